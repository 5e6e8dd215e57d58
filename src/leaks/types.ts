/** A leak report: what `evdiag leaks --json` prints. */

/** What holds the things. */
export type HolderKind =
  | 'collection'
  | 'closure'
  | 'listeners'
  | 'abort-listeners'
  | 'timers'
  | 'suspended-calls'
  | 'promises'
  | 'buffers'
  | 'module-cache'
  | 'handles'
  | 'contexts'
  | 'strings'
  | 'other';

/** In the original source; 1-based. */
export interface Place {
  file: string;
  line: number;
  /** 0 where unknown. */
  column: number;
  /** '' if it has none. */
  function: string;
}

/** From the holder inwards. */
export interface PathStep {
  /** How the previous one leads here: `.sessions`, `variable "cache"`, `entry`; '' for the first. */
  via: string;
  /** What is there: a constructor, a function, a variable. */
  name: string;
  /** How often it comes in a row, as in a linked list. */
  repeats: number;
  /** What is held from here on; null if it was not summed up. */
  bytes: number | null;
  place: Place | null;
}

/** What came between the snapshots. */
interface Growth {
  /** New objects that are still there, for each interval between two snapshots. */
  counts: number[];
  /** Bytes that came with them and are still there, V8's own tables included. */
  newBytes: number[];
  /** What is below the holder, in each snapshot. */
  heldBytes: number[];
  /** Null if it is not known when the snapshots were taken. */
  countPerMinute: number | null;
  bytesPerMinute: number | null;
}

export interface Suspect {
  kind: HolderKind;
  /** 'likely': it kept growing. 'possible': it may be by design. */
  confidence: 'likely' | 'possible';
  /** A fragment: `module variable "cache"`. */
  holder: string;
  place: Place | null;
  /** What it holds, by constructor. */
  className: string;
  count: number;
  /** Retained. */
  bytes: number;
  growth: Growth | null;
  /** One sentence or two with the figures. */
  message: string;
  path: PathStep[];
  remedy: string;
  /** Of a recording: whose finding it is. */
  rule?: string;
}

/** What the thread did between the first and the last reading. */
export interface WorkDone {
  /** What most of the counted have in common: `pieces` where they are of several kinds. */
  unit: 'request' | 'job' | 'message' | 'pieces';
  /** About, where only a sample was followed. */
  count: number;
  /** Between each two snapshots, where it is known. */
  counts?: number[];
}

export interface SnapshotFacts {
  file: string;
  fileBytes: number;
  nodeCount: number;
  edgeCount: number;
  heapBytes: number;
  takenAt: string | null;
}

export interface LeakReport {
  schema: 'evdiag-leaks/1';
  input: 'snapshot' | 'snapshots' | 'process' | 'recording';
  /** "worker 2"; not there if it is the main thread, or if the snapshots came as files. */
  thread?: string;
  snapshots: SnapshotFacts[];
  /** Between the first and the last; null where unknown. */
  spanMs: number | null;
  /** Null, or not there, where nothing counted it. */
  work?: WorkDone | null;
  /** Of a recording: the rules that could tell. */
  judged?: string[];
  /** Of a recording: the old space just after each major collection. */
  heap?: { atMs: number; bytes: number }[];
  suspects: Suspect[];
  /** What limits this report, in sentences. */
  notes: string[];
}
