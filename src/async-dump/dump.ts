/** A dump as `evdiag dump --json` prints it. */
import type { SettlerKind } from '../heap/settlers.ts';
import type { DumpMode, ThreadPart } from '../protocol/dump-parts.ts';
import type { Frame, FrameCategory, Level, Location } from '../recording/types.ts';

export interface Dump {
  schema: 'evdiag-dump/2';
  pid: number;
  /** Redacted. */
  argv: string[];
  nodeVersion: string;
  level: Level;
  uptimeMs: number;
  /** ISO 8601. */
  takenAt: string;
  mode: DumpMode;
  /** What the rules find in its recording so far, the worst first; absent if there is none. */
  findings?: DumpFinding[];
  /** The main thread, 0, first. */
  threads: DumpedThread[];
}

/** Of `evdiag report`, in the same words. */
export interface DumpFinding {
  rule: string;
  severity: string;
  message: string;
  remedy: string;
  location: Location | null;
}

export interface DumpedThread extends Omit<ThreadPart, 'part'> {
  /** Null if they could not be found; `problem` says why. */
  suspended: SuspendedCalls | null;
}

export interface SuspendedCalls {
  /** 'calls': each is counted once. 'promises': promises are counted, of which one call may have several. */
  counted: 'calls' | 'promises';
  /** Sum of the counts. */
  total: number;
  /** Counted in `total`, but not listed. */
  unlisted: number;
  /** Promises in the heap, settled ones as well, and how many could not be asked about. */
  promises: number;
  failed: number;
  /** The biggest first. */
  calls: CallGroup[];
  /** Calls that wait for each other; always empty in a quick dump, which cannot see them. */
  cycles: AwaitCycle[];
  /** How long the thread was paused. */
  pauseMs: number;
}

/** Calls that are suspended at the same place, awaited by the same chain of calls. */
export interface CallGroup {
  count: number;
  function: string;
  file: string;
  /** Of the `await` if `exact`, otherwise of the beginning of the function. 1-based. */
  line: number;
  column: number;
  category: FrameCategory;
  exact: boolean;
  /** Text of the awaited expression; '' if the source is not available. */
  awaits: string;
  /** The calls that await it, innermost first, each at its `await`. */
  awaitedBy: Frame[];
  /** Number of calls at different places that await it: none of them is in `awaitedBy`. */
  otherAwaiters: number;
  /** The chain repeats from its beginning, many times: a cycle, or a deep recursion. */
  repeats: boolean;
  /** What can settle what the first of them waits for; null if that was not examined. */
  settledBy: SettledBy | null;
  /** Since the oldest of them began; null if that is not recorded. */
  ageMs: number | null;
}

export interface SettledBy {
  kind: SettlerKind;
  /** Class of the thing. */
  name: string;
  /** A timer's delay. */
  ms?: number;
  event?: string;
  /** Variable or property path of what holds the resolving function. */
  variable?: string;
  file?: string;
  /** The async call. */
  call?: Frame;
}

/** Each call waits for the next, the last for the first. */
export interface AwaitCycle {
  kind: 'direct' | 'lock';
  calls: (Frame & {
    /** The lock between this call and the next; '' if it awaits the call itself. */
    lock: string;
  })[];
  /** Further calls that wait for these. */
  blockedCalls: number;
}
