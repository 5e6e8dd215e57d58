import { NativeFloat64Array, NativeInt32Array, NativeSharedArrayBuffer, NativeUint16Array } from './primordials.ts';

export type { RawFrame } from '../src/recording/source-maps.ts';

/**
 * The memory that the observed main thread and the watchdog thread share.
 *
 * `control` holds one 32-bit word per name below. `site` holds the text of a call site (UTF-16 units) that the main
 * thread wrote on entering a synchronous call, so that the watchdog can name the place while the call still lasts.
 * `numbers` holds 64-bit sums.
 */
/** Of the main thread, and of the watchdog, which then waits until it is `no` again. `forGood`: it has none any more. */
export const LET_GO = { no: 0, asked: 1, done: 2, forGood: 3 } as const;

export const Word = {
  /** 0 starting, 1 ready, 2 failed, 3 finished. */
  WatchdogState: 0,
  /** 1: the process exits, finish now. 2: it does not wait (STOP_AT_ONCE). 3: the agent has left the thread (STOP_LEFT). */
  Stop: 1,
  ExitCode: 2,
  /** 1 + index into SYNC_CALLS of the running synchronous call, 0 outside of one; after these come those of native add-ons. */
  SyncCall: 3,
  /** Changes with every marked call. */
  SyncSequence: 4,
  /** Sequence of the call whose site is in `site`. */
  SiteSequence: 5,
  SiteLength: 6,
  /** 1: the application handles the signal itself. */
  HandlesSigint: 7,
  HandlesSigterm: 8,
  /** 1: a debugger may be attached. 2: the running code is evdiag's own, which the user asked for. */
  Debugger: 9,
  /** Stacks taken on the main thread. */
  StackCount: 10,
  /** 1: a stall is open and the next marked call must write its site, whatever the budget. */
  SiteWanted: 11,
  /** 1: level diagnose. */
  Diagnose: 12,
  /** 1: there is reason to follow what is started, for a while at more than the budget allows. */
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
  /** Above 0: a script of node:vm is running that a timeout or Ctrl-C may end. */
  Terminable: 19,
  /** Whether the watchdog is to have no inspector session for the moment: one of the values LET_GO. */
  LetGo: 20,
  /** Of the thread's time, what the agent may take for following it, in millionths. */
  Budget: 21,
  /** Number of the request or job whose call has its site in `site`; 0 if it is not known. */
  SiteWork: 22,
  /** 1: requests or jobs have been followed. */
  Work: 23,
  Length: 24,
} as const;

export const Sum = {
  GcMs: 0,
  StackMs: 1,
  /** Wall-clock ms when the application last removed its only listener of that signal. */
  SigintRemovedAt: 2,
  SigtermRemovedAt: 3,
  Length: 4,
} as const;

export const OWN_WORK = 2;
export const STOP_AT_ONCE = 2;
export const STOP_LEFT = 3;

export const WATCHDOG_STARTING = 0;
export const WATCHDOG_READY = 1;
export const WATCHDOG_FAILED = 2;
export const WATCHDOG_FINISHED = 3;

/** Longest call-site text, in UTF-16 units. */
export const SITE_LENGTH = 4096;

/** What the word `Budget` counts in. */
export const BUDGET_UNIT = 1e-6;

/** Resolution of the heartbeat. */
export const HEARTBEAT_MS = 10;

export interface SharedMemory {
  control: Int32Array;
  numbers: Float64Array;
  site: Uint16Array;
}

export function createSharedMemory(): SharedMemory {
  return {
    control: new NativeInt32Array(new NativeSharedArrayBuffer(Word.Length * 4)),
    numbers: new NativeFloat64Array(new NativeSharedArrayBuffer(Sum.Length * 8)),
    site: new NativeUint16Array(new NativeSharedArrayBuffer(SITE_LENGTH * 2)),
  };
}

/** Longest stack that is reported. */
export const FRAME_LIMIT = 64;

/** And of those that are kept for the last minute: a profile shows them from their beginning. */
export const RECENT_FRAME_LIMIT = 128;

/** `js-cpu`: calls that are quick once, but expensive if made for each row. */
type MarkedKind =
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
  ...calls('DatabaseSync', 'sync-database', 'exec serialize deserialize applyChangeset'),
  ...calls('StatementSync', 'sync-database', 'all get run'),
  ...calls('StatementSyncIterator', 'sync-database', 'next'),
  ...calls('SQLTagStore', 'sync-database', 'all get run'),
  // Each makes a formatter, which takes as long as a thousand other calls. The methods do so if they get options.
  ...calls('Date', 'js-cpu', 'toLocaleString toLocaleDateString toLocaleTimeString'),
  ...calls('Number', 'js-cpu', 'toLocaleString'),
  ...calls(
    'Intl',
    'js-cpu',
    'Collator DateTimeFormat DisplayNames ListFormat NumberFormat PluralRules RelativeTimeFormat Segmenter',
  ),
  ...calls('Atomics', 'sync-sleep', 'wait'),
  // Only if something may end them early.
  ...calls('Script', 'js-cpu', 'runInThisContext runInContext runInNewContext'),
];
