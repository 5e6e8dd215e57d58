import type { Profile } from '../profile/types.ts';
import type { RawFrame } from '../recording/source-maps.ts';
import type { Frame, Location } from '../recording/types.ts';

/** What was left open. */
export type LeftoverKind =
  | 'timer'
  | 'server'
  | 'socket'
  | 'pipe'
  | 'file'
  | 'watcher'
  | 'child-process'
  | 'worker'
  | 'message-port'
  | 'request'
  | 'listener'
  | 'suspended-call';

/** Things of one kind that were made at one place and are still there. */
export interface Leftover {
  kind: LeftoverKind;
  /** In words: "interval of 1000 ms", "server on 127.0.0.1:8080", "listener of 'data' on Socket". */
  what: string;
  /**
   * The line of your code that made it; of a suspended call the line of its `await`. Original sources (source maps
   * applied), absolute path, 1-based line and column; null if no line of yours was on the stack.
   */
  location: Location | null;
  /** Who called that line, innermost first, at most 4: callers, and calls that await it. */
  callers: Location[];
  count: number;
  /** Milliseconds since the oldest of them was made. */
  ageMs: number;
  /** Whether one of them keeps the process alive; listeners and suspended calls by themselves do not. */
  referenced: boolean;
}

/** What `watch` reports about one unit of work. */
export interface Watched<T> {
  name: string;
  /** What the function returned, or its promise was fulfilled with. */
  value: T;
  /** What it opened and left open, the largest counts first. */
  left: Leftover[];
  /** From the call to its end, without the grace period. */
  durationMs: number;
  /** Number of things beyond the limit of what is followed (50 000 at a time): `left` may lack them. */
  untracked: number;
}

export interface WatchOptions {
  /** Wait until nothing is left, at most this many milliseconds. Default 0: report what is left at the end of the function. */
  graceMs?: number;
  /** Called at the end, also if the function throws; then `error` is what it threw, and there is no value. */
  onEnd?(watched: Omit<Watched<unknown>, 'value'> & { error?: unknown }): void;
}

/** Names leftovers that are meant to stay: by their `what`, kind or place ("file:line function"), or by a function. */
export type Ignore = string | RegExp | ((leftover: Leftover) => boolean);

export interface ExpectNoLeaksOptions {
  /** In the message. Default: the function's name. */
  name?: string;
  /**
   * How often the function runs. With more than one run, the first warms up (caches, pools, connections that stay), and
   * only what each later run leaves behind again is a leak. Default 1.
   */
  runs?: number;
  /** How long leftovers may take to end by themselves, in milliseconds. Default 1000. */
  graceMs?: number;
  ignore?: readonly Ignore[];
  /** Also report what does not keep the process alive (unref'd timers and sockets). Default false. */
  unreferenced?: boolean;
}

export interface ProfileOptions {
  /** Microseconds between samples. Default 1000, at least 50. */
  intervalUs?: number;
  /** Number of functions to list, the largest self time first. Default 20. */
  top?: number;
  /**
   * Makes V8 drop its optimised code first (20–30 ms) and inline nothing while the profile runs. Otherwise functions that
   * were hot before are missing, and inlined ones count for their caller. Very small functions seem slower than they
   * are. Default true, except while coverage is measured, which it would reset.
   */
  deoptimize?: boolean;
  /**
   * Follows when the function runs, and each `await`. Without it, CPU time is that of the whole thread and there are no
   * `waits`. It costs 30–90 µs of CPU for each of the first 10 000 awaits, shown as "(evdiag)"; then one in ten is
   * followed and counts as ten, at about 10 µs each. Default true.
   */
  waits?: boolean;
  /** CPU time of everything the thread does while the function runs, not only of the function. Default false. */
  all?: boolean;
}

export interface ProfiledFunction {
  function: string;
  /** Where the function begins, in the original source; null for V8's own entries such as "(garbage collector)". */
  location: Location | null;
  category: 'application' | 'dependency' | 'node' | 'native';
  /** Time in the function itself, and with what it called (recursion counted once), in milliseconds. */
  selfMs: number;
  totalMs: number;
  /** The line with most self time; null if V8 reports none. */
  hottestLine: number | null;
}

/** A V8 CPU profile, as DevTools and speedscope open it: write it to a `.cpuprofile` file as JSON. Times in µs. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; scriptId: string; url: string; lineNumber: number; columnNumber: number };
    hitCount?: number;
    children?: number[];
    positionTicks?: { line: number; ticks: number }[];
  }[];
  startTime: number;
  endTime: number;
  samples?: number[];
  timeDeltas?: number[];
}

/** One `await` of the function, or of what it called or started: how long calls were suspended there. */
export interface AwaitSite {
  function: string;
  /** The line of the `await`, in the original source. */
  location: Location;
  /** What is awaited: "await fetch(url)"; '' if the source is not available. */
  code: string;
  count: number;
  /** How many of them were still suspended at the end. */
  unfinished: number;
  /** Sum over all calls: if several wait at once, it is more than the elapsed time. */
  totalMs: number;
  /** Of the total, without waiting for your own other calls: these are listed themselves. */
  selfMs: number;
  longestMs: number;
}

/** Formats that a profile is written in; `pprof` gives bytes, the others text. */
export type ProfileFormat =
  | 'collapsed'
  | 'cpuprofile'
  | 'html'
  | 'markdown'
  | 'pprof'
  | 'speedscope'
  | 'svg'
  | 'trace-events';

export interface Profiled<T> {
  value: T;
  /** From the call to its end. */
  durationMs: number;
  /** CPU time of the function and what it started; with `all`, or without `waits`, of all that the thread ran. */
  busyMs: number;
  sampleCount: number;
  /** Of this CPU time. */
  functions: ProfiledFunction[];
  /** Other work in the thread is in it as "(other work)", the cost of following the function as "(evdiag)". */
  cpuProfile: CpuProfile;
  /** Where the function, and what it started, waited; the longest first. */
  waits: AwaitSite[];
  /** Number of awaits beyond the limit of what is followed: `waits` lacks them. */
  unfollowedWaits: number;
  /** The CPU time by call stack. */
  readonly cpu: Profile;
  /** The waiting by call stack: calls below those that await them, what is awaited innermost. */
  readonly waiting: Profile;
  /** Writes the CPU time, or the waiting, in the format of another tool. `html` and `svg` are flamegraphs. */
  export(format: 'pprof', what?: 'cpu' | 'waiting'): Uint8Array;
  export(format: Exclude<ProfileFormat, 'pprof'>, what?: 'cpu' | 'waiting'): string;
  export(format: ProfileFormat, what?: 'cpu' | 'waiting'): string | Uint8Array;
  /** Functions and awaits as text, this many rows of each (default 10); `String(result)` is the same. */
  table(rows?: number): string;
}

/** Awaits that were reached in the same way. */
export interface Wait {
  /** Innermost first: the await, then who called or awaits that; in the original sources. */
  stack: Frame[];
  /** False if it awaits calls that are reported themselves. */
  self: boolean;
  count: number;
  unfinished: number;
  totalMs: number;
  longestMs: number;
}

/** What the code that hooks into Node knows about a profile. */
export interface RawProfiled<T>
  extends Pick<
    Profiled<T>,
    'value' | 'durationMs' | 'busyMs' | 'sampleCount' | 'functions' | 'cpuProfile' | 'unfollowedWaits'
  > {
  waits: Wait[];
  intervalUs: number;
  /** Whether functions that were hot before are in it, and inlined ones for themselves. */
  deoptimized: boolean;
}

/** One stall of the event loop. */
export interface Stall {
  durationMs: number;
  /** What blocked: a stall kind such as "js-cpu", "sync-fs", "json". */
  kind: string;
  location: Location | null;
}

/** A unit of work that is followed. */
export interface Scope {
  readonly name: string;
  /** Calls the function inside the scope: what it makes, now and later, belongs to it. */
  run<T>(fn: () => T): T;
  /** Until the returned function is called, what belongs to no scope, in the whole thread, belongs to this one. */
  enter(): () => void;
  /** What is left now. Waits up to `graceMs` for it to end, as long as `isMeant` does not take all of it. */
  left(graceMs?: number, isMeant?: (leftover: Leftover) => boolean): Promise<Leftover[]>;
  untracked(): number;
  /** The longest stall of the loop that ran in this scope; null without `startStalls`, or if there was none. */
  stall(): Promise<Stall | null>;
  /** Ends following; hooks are removed with the last open scope. */
  close(): void;
}

/** What the bundle `dist/library.cjs` exports: the side that hooks into Node. */
export interface LibraryBundle {
  openScope(name: string): Scope;
  profile<T>(fn: () => T | Promise<T>, options: ProfileOptions): Promise<RawProfiled<T>>;
  /** Positions of V8 as frames of the original sources, also of what a test runner runs from memory. */
  toFrame(raw: RawFrame): Frame;
  /** Watches the thread from another one for stalls of `stallMs`; returns a function that ends it. */
  startStalls(stallMs: number): () => void;
  /** The timers to wait with, as the current ones may be fakes. */
  keepTimers(natives: Pick<typeof globalThis, 'setTimeout' | 'clearTimeout' | 'setImmediate'>): void;
  /** Whether hooks are in place. */
  isFollowing(): boolean;
}
