/**
 * The contract between the observed process and everything that judges it.
 *
 * A recording is a folder that holds `recording.ndjson`: one JSON object per line, the first line is the header.
 * Every row has `t` (milliseconds since the header's start, monotonic) and `type`; other fields carry their unit in
 * their name. Unknown types and fields are to be ignored by readers.
 */

export const FORMAT_MAJOR = 1;
export const FORMAT_MINOR = 4;

export type Level = 'watch' | 'diagnose';

/** What kept the main thread from its event loop. */
export const STALL_KINDS = [
  'js-cpu',
  'sync-fs',
  'sync-child-process',
  'sync-crypto',
  'sync-zlib',
  'sync-sleep',
  'sync-database',
  'native-addon',
  'sync-stdio',
  'json',
  'regexp',
  'gc',
  'module-load',
  'host',
] as const;
export type StallKind = (typeof STALL_KINDS)[number];

/** A place in source code: absolute path of the original source (source maps applied), 1-based line and column. */
export interface Location {
  file: string;
  line: number;
  column: number;
  function: string;
  /** Where a function without a name begins, "line:column" of the generated code: tells two of them apart (format 1.1). */
  start?: string;
}

/** Whose code a frame is: the user's own, a package in node_modules, Node's own JavaScript, or a V8 built-in. */
export type FrameCategory = 'application' | 'dependency' | 'node' | 'native';

export interface Frame extends Location {
  category: FrameCategory;
  /** Not on the stack: it awaits the frame before it. */
  awaits?: true;
}

/** What a chain of short calls consists of: promise reactions, `process.nextTick`, or callbacks of the loop itself. */
export const CHAIN_KINDS = ['microtask', 'nexttick', 'callbacks'] as const;
export type ChainKind = (typeof CHAIN_KINDS)[number];

export interface Header {
  t: 0;
  type: 'header';
  format: 'evdiag-recording';
  major: number;
  minor: number;
  evdiagVersion: string;
  nodeVersion: string;
  v8Version: string;
  libuvVersion: string;
  pid: number;
  parentPid: number;
  /** Node's number of the observed thread: 0 is the main thread, others are worker threads (format 1.1; before, always 0). */
  threadId: number;
  /** Redacted command line. */
  argv: string[];
  /** ISO 8601 wall-clock time of `t` = 0. */
  startedAt: string;
  /** Monotonic clock (`process.hrtime`) at `t` = 0, in milliseconds. */
  startMonotonicMs: number;
  level: Level;
  slowMs: number;
  samplers: string[];
  platform: string;
  arch: string;
  cpuCount: number;
  /** cgroup limits, null where there are none. */
  containerCpus: number | null;
  containerMemoryBytes: number | null;
}

interface RowBase {
  t: number;
}

/** perf_hooks' histogram over the last interval, and the watchdog's own view of the longest silence. */
export interface EventLoopDelayRow extends RowBase {
  type: 'event-loop-delay';
  count: number;
  meanMs: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
  heartbeatMaxMs: number;
}

export interface EventLoopUtilizationRow extends RowBase {
  type: 'event-loop-utilization';
  /** Share of the interval that the loop was busy, 0..1 (a delta, not cumulative). */
  utilization: number;
  activeMs: number;
  idleMs: number;
}

export interface ActiveResourcesRow extends RowBase {
  type: 'active-resources';
  total: number;
  /** Referenced resources by type, as `process.getActiveResourcesInfo()` names them. */
  counts: Record<string, number>;
  /** Those that a blocked loop keeps waiting: servers, sockets, timers but one (format 1.1). */
  waiting?: number;
}

export interface MemoryRow extends RowBase {
  type: 'memory';
  rssBytes: number;
  heapUsedBytes: number;
  heapTotalBytes: number;
  /** Of both generations. */
  heapLimitBytes: number;
  /** Of the old generation alone, where an option or the maker of the worker thread set it (format 1.3). */
  oldLimitBytes?: number;
  externalBytes: number;
  arrayBuffersBytes: number;
  /** Used bytes by V8 heap space. */
  spaces: Record<string, number>;
}

export interface GcRow extends RowBase {
  type: 'gc';
  /** Time over which collections were counted: where there are very many, only a part is (format 1.1). */
  observedMs?: number;
  count: number;
  totalMs: number;
  maxMs: number;
  majorCount: number;
  majorMs: number;
  /** Just after the last major collection: objects but for the young ones, and memory outside the heap (format 1.3). */
  afterMajor?: { oldBytes: number; externalBytes: number };
}

export interface CpuRow extends RowBase {
  type: 'cpu';
  intervalMs: number;
  userMs: number;
  systemMs: number;
  /** CPU time of the main thread; null where the platform does not tell. */
  mainThreadMs: number | null;
  /** Time the main thread was runnable but had no core; null where the platform does not tell. */
  runQueueMs: number | null;
  /** Time that the CPU limit of the container held threads of it back; absent where there is none (format 1.4). */
  throttledMs?: number;
  /** That limit, in cores: it may be set or changed while the program runs (format 1.4). */
  limitCpus?: number;
}

/** What the agent itself costs, over the last interval. */
export interface AgentCostRow extends RowBase {
  type: 'agent-cost';
  intervalMs: number;
  mainThreadMs: number;
  /** CPU time of the watchdog thread; null where the platform does not tell. */
  watchdogMs: number | null;
  /** Stacks taken on the main thread. */
  stacks: number;
  recordingBytes: number;
}

/** Written the moment a stall crosses the threshold, while it still lasts. */
export interface StallOpenRow extends RowBase {
  type: 'stall-open';
  id: number;
  startMs: number;
  /** Duration so far. */
  durationMs: number;
  kind: StallKind | null;
  location: Location | null;
  /** As in the stall's row (format 1.1). */
  chain?: ChainKind | null;
  waiting?: number | null;
}

/** One distinct stack seen during a stall, with the time it stood for. */
export interface StallStack {
  weightMs: number;
  /** How many equal stacks it stands for; absent in recordings of before format 1.4. */
  count?: number;
  kind: StallKind;
  /** Innermost first, at most 64. */
  frames: Frame[];
  location: Location | null;
  /** A call that is marked while it runs, so that its kind is known without a look at the thread; its place as well, unless `late` (format 1.4). */
  marked?: boolean;
  /** All such stacks came behind a native call that ran meanwhile: the line may be one further on (format 1.4). */
  late?: boolean;
}

export interface StallRow extends RowBase {
  type: 'stall';
  id: number;
  startMs: number;
  durationMs: number;
  kind: StallKind;
  /** Innermost frame of the user's own code; null where no stack could be taken. */
  location: Location | null;
  stacks: StallStack[];
  /** CPU time of the main thread during the stall. */
  cpuMs: number | null;
  /** Time the main thread waited for a core during the stall, also because of a CPU limit. */
  runQueueMs: number | null;
  /** Of `runQueueMs`, at most: the CPU limit of the container held it back; absent where there is none (format 1.4). */
  throttledMs?: number;
  /** That limit, in cores (format 1.4). */
  limitCpus?: number;
  /** It waited within a system call, by samples of its state; absent where the platform does not tell, or nobody looked (format 1.4). */
  sleptMs?: number;
  /** The same, for another thread: a lock, or Atomics.wait (format 1.4). */
  lockedMs?: number;
  /** The same, for a disk: reads and writes, and pages that had to be loaded; no more than the kernel counted such waits (format 1.4). */
  diskMs?: number;
  /** The same, for what is no disk and no signal interrupts: a lock of the kernel (format 1.4). */
  kernelMs?: number;
  /** Pages that had to be loaded from disk or swap, since the stall was noticed (format 1.4). */
  majorFaults?: number;
  /** How long at least one task waited meanwhile, of the container or of the machine (format 1.4). */
  pressure?: { of: 'container' | 'machine'; cpuMs: number | null; ioMs: number | null; memoryMs: number | null };
  gcMs: number;
  /** The program was still loading its modules. */
  startup: boolean;
  /** A debugger was attached: the stall may be a breakpoint. */
  debugger: boolean;
  /** What ran was evdiag's own, a dump for example (format 1.4). */
  own?: true;
  /** Referenced servers, sockets and timers when last looked, which had to wait; null where not known. */
  waiting: number | null;
  /** Not one long call but a chain of short ones that never let the loop turn; null for one call, absent where unknown (format 1.1). */
  chain?: ChainKind | null;
  /** How sure the place is, 0..1. */
  confidence: number;
}

/** How often the event loop turned, and how many events of the system it was given. */
export interface LoopTurnsRow extends RowBase {
  type: 'loop-turns';
  intervalMs: number;
  turns: number;
  events: number;
}

/** Worker threads of the process so far, and those alive now. */
export interface ThreadsRow extends RowBase {
  type: 'threads';
  started: number;
  ended: number;
  alive: number;
  /** Beyond what is observed at a time. */
  unobserved: number;
}

export interface LevelRow extends RowBase {
  type: 'level';
  level: Level;
}

/** What makes a closer look worth its cost; `routine` at level diagnose. */
export const SUSPICIONS = [
  'allocation',
  'gc',
  'heap',
  'latency',
  'polling',
  'resources',
  'routine',
  'timers',
  'utilization',
] as const;
export type Suspicion = (typeof SUSPICIONS)[number];

/** Written when a suspicion arises: the figure, its limit, and whether a look follows or the last one is too near. */
export interface SuspicionRow extends RowBase {
  type: 'suspicion';
  reason: Suspicion;
  value: number;
  limit: number;
  look: boolean;
}

/** Equal stacks of a look, together. */
export interface LookStack {
  count: number;
  /** Innermost first. */
  frames: Frame[];
  caller: ChainKind;
}

/** Where something was created or allocated, in the user's own code where there is any on the stack. */
export interface LookSite {
  count: number;
  location: Location | null;
}

/** A bounded closer look at a thread: stacks at random moments, and what was created meanwhile. */
export interface LookRow extends RowBase {
  type: 'look';
  reasons: Suspicion[];
  startMs: number;
  durationMs: number;
  /** CPU time of the thread during the look; null where the platform does not tell. */
  cpuMs: number | null;
  /** Time it waited for a core; null where the platform does not tell. */
  runQueueMs: number | null;
  /** Stacks taken, those of them while the loop was busy, and those of these that fell between two calls. */
  samples: number;
  busySamples: number;
  framelessSamples: number;
  /** Pairs of stacks at most 10 ms apart, and how many of them belong to different callbacks. */
  pairs: number;
  turnedPairs: number;
  /** Mean time between the stacks of a pair. */
  pairMs: number;
  stacks: LookStack[];
  /** The deepest stack seen, with all calls that await it; null where none is deeper than what a stack row holds. */
  deepest: { frames: number; repeated: number; location: Location; awaits: boolean } | null;
  /** What was created within `wallMs`; null where it was not counted. */
  created: {
    wallMs: number;
    cpuMs: number;
    promises: number;
    resources: { type: string; count: number; sites: LookSite[] }[];
  } | null;
  /** Intervals of a few ms that are running: where they were started. */
  shortIntervals: Location[];
  /** Sampled allocation by function; `bytes` is an estimate. Null where it was not looked at. */
  allocations: { bytes: number; location: Location }[] | null;
  /** Referenced servers, sockets and timers that wait. */
  waiting: number | null;
}

/** What of a thread was started and may not have ended. */
export const UNFINISHED = ['await', 'call', 'reaction', 'promise', 'handle', 'listener'] as const;

/**
 * Things of one sort that were started at one place. Counts are since tracking began; where only one in so many could
 * be followed, they are estimates.
 */
export interface UnfinishedEntry {
  /**
   * `await`: calls suspended at this place. `call`: calls of an async function, whose result is pending. `reaction`: results
   * of then, catch, finally and the combinators that react to another promise. `promise`: others. `handle`: Node's async
   * resources. `listener`: on one emitter and event.
   */
  what: (typeof UNFINISHED)[number];
  /** handle: Node's name of the resource. reaction and promise: the built-in, `race`, `then`, `new`. listener: `emitter`, `event-target` or `abort-signal`. */
  type: string;
  /** listener: class and event. handle: of a Timeout `interval` or its delay, "30000 ms", where that is known. */
  detail: string;
  /** Modules of Node between the place and the thing: net, http, fetch, fs, timers, streams, events … */
  via: string[];
  /** Innermost frame of the user's own code. */
  location: Location | null;
  /** The next frames outwards in the user's own code, those that await included. */
  callers: Location[];
  /** Started after the function had been suspended before; null where that is not known. */
  resumed: boolean | null;
  created: number;
  ended: number;
  /** Collected as garbage while still pending. */
  lost: number;
  alive: number;
  /** Most of them alive at once within the interval. */
  peak: number;
  /** Handles that keep the process alive, of those alive. */
  referenced: number;
  oldestMs: number;
  /** Longest that one lasted which ended; null where none did. */
  endedMaxMs: number | null;
  /** The quickest that ended within the interval; null where none did (format 1.4). */
  endedLeastMs?: number | null;
  /** Nine of ten that ended took no longer than this, to a factor of two; null where none did (format 1.4). */
  usualMs?: number | null;
  /** Of those that ended, how many had begun after the oldest that is alive. */
  endedSinceOldest: number;
  /** call: made by the user's own code, and nothing reacted to the result when it settled, or 250 ms later. */
  floating: number;
  /** call: floating ones that were rejected. */
  rejected: number;
  /** The package whose code made it, for itself or for whoever called it; absent where it is the user's own (format 1.4). */
  package?: string;
  /** reaction: most of them to one promise. */
  onOne?: number;
  /** await: what made the awaited promise, where that was followed. */
  madeBy: { what: string; type: string; via: string[]; location: Location | null } | null;
  /** await: the awaited expression, and those awaited before it in the same function, as text; only where one is old. */
  code?: string;
  before?: string[];
  /** await: stands in a loop of its function, as the text tells. */
  loop?: boolean;
}

/** What is tracked at level diagnose, and for some seconds of a look (format 1.2). */
export interface UnfinishedRow extends RowBase {
  type: 'unfinished';
  intervalMs: number;
  /** Since tracking began. */
  trackedMs: number;
  /** Promises made within the interval. */
  promises: number;
  /** Signals aborted since tracking began. */
  aborts: number;
  /** Most connections and requests from outside that were open at once within the interval. */
  inbound: number;
  /** Places that there was no room for. */
  dropped: number;
  /** Those with most alive, and those that ended badly. */
  entries: UnfinishedEntry[];
}

/** `linked`: made by a function that had looked at the signal. */
export interface Leftover {
  type: string;
  via: string[];
  location: Location | null;
  callers: Location[];
  referenced: boolean;
  ageMs: number;
  linked?: boolean;
}

/** An aborted signal, and what of the same unit of work is still there some time after (format 1.2). */
export interface AbortedRow extends RowBase {
  type: 'aborted';
  sinceMs: number;
  /** Who aborted; null for a time-out. */
  abortedAt: Location | null;
  /** Where the signal was handed out. */
  scope: Location | null;
  leftovers: Leftover[];
}

/** A Promise.all that was rejected while others of its promises were still pending (format 1.2). */
export interface OrphansRow extends RowBase {
  type: 'orphans';
  location: Location | null;
  callers: Location[];
  total: number;
  /** Pending when it was rejected. */
  pending: number;
  /** Of these, pending still when last looked, `ranOnMs` later. */
  stillPending: number;
  /** How long the last of them ran on, as far as it was followed. */
  ranOnMs: number;
}

/** `swallowed`: the application has a handler; `fatal`: the process ends; `late`: handled after all, later. */
export const REJECTION_KINDS = ['swallowed', 'fatal', 'late'] as const;

/** Rejections that nothing handled, since the last row, by place (format 1.2). */
export interface RejectionRow extends RowBase {
  type: 'rejection';
  kind: (typeof REJECTION_KINDS)[number];
  count: number;
  /** Name of the error's class. */
  error: string;
  /** Where the error was made. */
  location: Location | null;
  /** The call that nobody awaited, where it was followed. */
  call: Location | null;
}

/** A function that allocated what is still alive; `bytes` are estimates from the samples. */
export interface AllocationSite {
  /** Where the function begins: V8 does not tell the line. */
  location: Location;
  /** The only line of the function that allocates or keeps something, as its text tells; null where several do, or none. */
  line: { line: number; column: number; code: string } | null;
  aliveBytes: number;
  /** Of these, allocated in the first half of the time, by number of samples. What does not leak is young. */
  olderBytes: number;
  samples: number;
}

/** What was allocated since sampling began and is still alive after a full collection, by function (format 1.3). */
export interface AllocationsRow extends RowBase {
  type: 'allocations';
  sinceMs: number;
  intervalBytes: number;
  /** Of all functions. */
  aliveBytes: number;
  /** From the request to its answer; most of it is the collection, which V8 insists on. */
  tookMs: number;
  sites: AllocationSite[];
  /** The whole profile: a file beside the recording; null where it was not kept. */
  file: string | null;
}

export interface DroppedRow extends RowBase {
  type: 'dropped';
  rows: number;
  why: string;
}

export interface AgentErrorRow extends RowBase {
  type: 'agent-error';
  message: string;
}

export interface EndRow extends RowBase {
  type: 'end';
  reason: 'exit' | 'signal';
  exitCode: number | null;
  signal: string | null;
}

export type Row =
  | EventLoopDelayRow
  | EventLoopUtilizationRow
  | ActiveResourcesRow
  | MemoryRow
  | GcRow
  | CpuRow
  | AgentCostRow
  | StallOpenRow
  | StallRow
  | LoopTurnsRow
  | ThreadsRow
  | LevelRow
  | SuspicionRow
  | LookRow
  | UnfinishedRow
  | AbortedRow
  | OrphansRow
  | RejectionRow
  | AllocationsRow
  | DroppedRow
  | AgentErrorRow
  | EndRow;

export type RowType = Row['type'];
export type RowOf<T extends RowType> = Extract<Row, { type: T }>;

export const ROW_TYPES: readonly RowType[] = [
  'aborted',
  'active-resources',
  'agent-cost',
  'agent-error',
  'allocations',
  'cpu',
  'dropped',
  'end',
  'event-loop-delay',
  'event-loop-utilization',
  'gc',
  'level',
  'look',
  'loop-turns',
  'memory',
  'orphans',
  'rejection',
  'stall',
  'stall-open',
  'suspicion',
  'threads',
  'unfinished',
];

/** A recording in memory. */
export interface Recording {
  header: Header;
  rows: Row[];
  /** Time of the last row, in ms since start. */
  durationMs: number;
  /** Rows the agent says it lost. */
  droppedRows: number;
  /** Lines that were of an unknown type, or not readable. */
  skippedLines: number;
  /** The last line was cut off. */
  truncated: boolean;
  /** The folder it was read from, if any. */
  path: string | null;
  /** The tool that made it, where that was not the agent: what it has no rows of, nobody looked at. */
  foreign?: string;
}

/** A recording of which only rows of these types may be read: any other is a type error. A recording is a view of all. */
export interface View<T extends RowType> extends Omit<Recording, 'rows'> {
  /** Never there: it tells the compiler that who may read more may read less, and not the other way round. */
  readonly mayRead?: (type: T) => void;
}

/** The rows of one type, in order of time. */
export function rowsOf<T extends RowType>(recording: View<T>, type: T): RowOf<T>[] {
  return allRows(recording).filter((row): row is RowOf<T> => row.type === type);
}

/** Whatever may be read of them: for caches, which have to know when rows are added. */
export function allRows(recording: View<never>): readonly Row[] {
  return (recording as Recording).rows;
}
