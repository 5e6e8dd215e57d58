import type { Census, CensusFiles } from '../src/async-dump/types.ts';
import type { RawFrame } from '../src/recording/source-maps.ts';
import type { TraceRequest } from './shared-trace.ts';

export type { RawFrame } from '../src/recording/source-maps.ts';

/**
 * The memory that the observed main thread and the watchdog thread share.
 *
 * `control` holds one 32-bit word per name below. `site` holds the text of a call site (UTF-16 units) that the main
 * thread wrote on entering a synchronous call, so that the watchdog can name the place while the call still lasts.
 * `numbers` holds 64-bit sums.
 */
export const Word = {
  /** 0 starting, 1 ready, 2 failed, 3 finished. */
  WatchdogState: 0,
  /** 1: the process exits, finish now. 2: it does not wait (STOP_AT_ONCE). */
  Stop: 1,
  ExitCode: 2,
  /** 1 + index into SYNC_CALLS of the synchronous call that is running, 0 outside of one; behind these come those of native add-ons. */
  SyncCall: 3,
  /** Changes with every marked call. */
  SyncSequence: 4,
  /** Sequence of the call whose site is in `site`. */
  SiteSequence: 5,
  SiteLength: 6,
  /** 1: the application handles the signal itself. */
  HandlesSigint: 7,
  HandlesSigterm: 8,
  /** 1: a debugger may be attached. 2: what runs is evdiag's own, which the user asked for. */
  Debugger: 9,
  /** Stacks taken on the main thread. */
  StackCount: 10,
  /** 1: a stall is open and the next marked call is to write its site, whatever the budget says. */
  SiteWanted: 11,
  /** 1: level diagnose. */
  Diagnose: 12,
  /** 1: what is started is followed until it ends, as at level diagnose. */
  Track: 13,
  /** 1 + index into SYNC_CALLS of the call whose site is in `site`. */
  SiteCall: 14,
  /** Above 0: the thread waits in Atomics.wait. */
  Waiting: 15,
  /** Odd while the watchdog is at work on storage, which may not return. */
  Storage: 16,
  /** Messages with samples that the watchdog has taken from this thread. */
  SamplesTaken: 17,
  /** 1: EVDIAG_QUIET. */
  Quiet: 18,
  /** Above 0: a script of node:vm runs that is ended by a timeout or by Ctrl-C. */
  Terminable: 19,
  Length: 24,
} as const;

export const Sum = {
  GcMs: 0,
  StackMs: 1,
  /** Wall-clock ms when the application last took away its only listener of a signal. */
  HandlerRemovedAt: 2,
  Length: 4,
} as const;

export const OWN_WORK = 2;
export const STOP_AT_ONCE = 2;

export const WATCHDOG_STARTING = 0;
export const WATCHDOG_READY = 1;
export const WATCHDOG_FAILED = 2;
export const WATCHDOG_FINISHED = 3;

/** Longest call-site text, in UTF-16 units. */
export const SITE_LENGTH = 4096;

/** Resolution of the heartbeat. */
export const HEARTBEAT_MS = 10;

/** The BroadcastChannel on which worker threads speak to the watchdog, and the level is changed. */
export const CHANNEL = 'evdiag.agent';

/**
 * What the watchdog's `Runtime.evaluate` reaches the agent by in an observed thread: a constant that no object has, so that no list of the
 * program's shows it. The bundle looks for it first: see scripts/build.mjs.
 */
export const AGENT_NAME = 'evdiagAgent';

export interface SharedMemory {
  control: Int32Array;
  numbers: Float64Array;
  site: Uint16Array;
}

export function createSharedMemory(): SharedMemory {
  return {
    control: new Int32Array(new SharedArrayBuffer(Word.Length * 4)),
    numbers: new Float64Array(new SharedArrayBuffer(Sum.Length * 8)),
    site: new Uint16Array(new SharedArrayBuffer(SITE_LENGTH * 2)),
  };
}

/** What an observed thread answers when it is interrupted. */
export interface InterruptedStack {
  /** The heartbeat's count at that moment. */
  count: number;
  /** How often the microtask queue was seen to turn over since the agent began. */
  turns: number;
  /** Node's id of the callback that is running: equal ids may be the same callback, different ones are not. */
  asyncId: number;
  /** And of the callback that started it, 0 where that was a microtask. */
  triggerId: number;
  /** Time so far that the loop waited for events. */
  idleMs: number;
  /** When it answered, in ms of the machine's monotonic clock. */
  atMs?: number;
  /** 1: the innermost function has not begun to run. */
  entered?: 0 | 1;
  /** Innermost first, at most `FRAME_LIMIT`. */
  frames: RawFrame[];
  /** Referenced servers, sockets and timers (but one); only where it was asked for. */
  waiting?: number;
  /** How often the queues of ticks and microtasks were seen to be empty; only where it was asked for. */
  drains?: number;
  /** Frames of the whole stack with everything that awaits it, and how many of them are of the commonest function; only where it was asked for and `frames` does not hold them all. */
  depth?: Depth;
}

export interface Depth {
  frames: number;
  repeated: number;
  /** The commonest function's frame. */
  frame: RawFrame;
}

/** A function on the stack, and where it begins in the generated code, 1-based; without a url a built-in of V8. */
export type RecentFrame = [name: string, url: string, line: number, column: number];

/**
 * What a thread answers that is asked for its recent work: how long the loop has waited for events so far, the line that
 * runs in the innermost function, the functions (innermost first), 1 where there are more of them, and 1 where the
 * innermost one has just been entered.
 */
export type RecentStack = [idleMs: number, line: number, frames: RecentFrame[], cutOff: 0 | 1, entered: 0 | 1];

/** What the interrupted thread is to tell beside its stack. */
export interface StackQuestion {
  waiting?: boolean;
  depth?: boolean;
  /** Whether what runs was started by what ran before. */
  drains?: boolean;
}

/** What the hooks of a closer look counted. */
export interface HookCounts {
  wallMs: number;
  cpuMs: number;
  promises: number;
  /** Other async resources created, by type and creation site. */
  resources: { type: string; count: number; sites: { count: number; frames: RawFrame[] }[] }[];
}

/** What the watchdog's `Runtime.evaluate` finds at the constant `AGENT_NAME`. All answers are JSON. */
export interface AgentDoor {
  threadId: number;
  preloadMs: number;
  stack(question: StackQuestion): string;
  /** `RecentStack`. */
  recent(): string;
  startHooks(): void;
  stopHooks(): void;
  /** `HookCounts`, null before they have stopped. */
  hookCounts(): string;
  /** `RawFrame[][]`: the creation sites of intervals of a few ms that still run. */
  shortIntervals(): string;
  /** `DumpEstimate`. */
  dumpEstimate(): string;
  /** The next dump is a new one; with files, a heap snapshot is part of it. */
  beginDump(files: CensusFiles | null): void;
  /** Does a piece of the dump at the next turn of the loop, with `now` in this interrupt: `DumpProgress`. */
  dump(now: boolean): string;
  endDump(): void;
  /** The next `dump` writes a heap snapshot to this new file, and nothing else. */
  beginSnapshot(file: string): void;
  /** `OpenResources`. */
  resources(): string;
  /** The maps of these files, as they were loaded, are to be posted when nothing of the program runs. */
  wantMaps(urls: readonly string[]): void;
  /** `RawHandleSite[]`: where open handles were made; only where something keeps account of it. */
  handleSites?(): string;
  /** From the next turn of the microtask queue on, each asynchronous operation is followed. */
  beginTrace(request: TraceRequest): void;
  /** Ends it: `TraceEnd`, null where nothing has begun. */
  endTrace(): string;
}

export interface RawHandleSite {
  type: string;
  ageMs: number;
  ref: boolean;
  /** Of its creation, innermost first. */
  frames: RawFrame[];
}

export interface DumpEstimate {
  heapBytes: number;
}

/** `waits`: nothing was done, as the thread has not returned to its loop; false: there is more to do. */
export type DumpProgress =
  | { waits: boolean }
  | { problem: string }
  | { census: Census }
  | { snapshot: { pauseMs: number } };

/** Longest stack that is told. */
export const FRAME_LIMIT = 64;

/** And of those that are kept of the last seconds: a profile shows them from their beginning. */
export const RECENT_FRAME_LIMIT = 128;

/** `js-cpu`: what is quick once, and much where it is called for each row. */
export type MarkedKind =
  | 'js-cpu'
  | 'sync-database'
  | 'native-addon'
  | 'sync-fs'
  | 'sync-child-process'
  | 'sync-crypto'
  | 'sync-zlib'
  | 'json'
  | 'sync-stdio'
  | 'sync-sleep'
  | 'js-cpu';

export interface SyncCall {
  /** A module, a global object, a class (Script is one of node:vm; then the call is one of its methods), or the file of a native add-on. */
  module: string;
  name: string;
  kind: MarkedKind;
}

const calls = (module: SyncCall['module'], kind: MarkedKind, names: string): SyncCall[] =>
  names.split(' ').map((name) => ({ module, name, kind }));

/** The synchronous calls that are marked while they run; the order is that of the `SyncCall` word. */
export const SYNC_CALLS: readonly SyncCall[] = [
  ...calls(
    'fs',
    'sync-fs',
    'readFileSync writeFileSync appendFileSync copyFileSync cpSync rmSync readdirSync openSync readSync writeSync fsyncSync fdatasyncSync',
  ),
  ...calls('child_process', 'sync-child-process', 'execSync execFileSync spawnSync'),
  ...calls(
    'crypto',
    'sync-crypto',
    'pbkdf2Sync scryptSync argon2Sync hkdfSync generateKeyPairSync generatePrimeSync checkPrimeSync',
  ),
  ...calls(
    'zlib',
    'sync-zlib',
    'gzipSync gunzipSync deflateSync inflateSync deflateRawSync inflateRawSync unzipSync brotliCompressSync brotliDecompressSync zstdCompressSync zstdDecompressSync',
  ),
  ...calls('JSON', 'json', 'parse'),
  ...calls('DatabaseSync', 'sync-database', 'exec'),
  ...calls('StatementSync', 'sync-database', 'all get run'),
  // Each makes a formatter, as long as a thousand other calls take. The methods do so where they are given options.
  ...calls('Date', 'js-cpu', 'toLocaleString toLocaleDateString toLocaleTimeString'),
  ...calls('Number', 'js-cpu', 'toLocaleString'),
  ...calls(
    'Intl',
    'js-cpu',
    'Collator DateTimeFormat DisplayNames ListFormat NumberFormat PluralRules RelativeTimeFormat Segmenter',
  ),
  ...calls('Atomics', 'sync-sleep', 'wait'),
  // Only where something ends them early.
  ...calls('Script', 'js-cpu', 'runInThisContext runInContext runInNewContext'),
];
