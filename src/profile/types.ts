import type { FrameCategory } from '../recording/types.ts';

/** Whose code a frame is; `v8` for its compilers and what is outside of JavaScript, `gc` for the collector. */
export type ProfileCategory = FrameCategory | 'v8' | 'gc' | 'idle';
export const PROFILE_CATEGORIES: readonly ProfileCategory[] = [
  'application',
  'dependency',
  'node',
  'native',
  'v8',
  'gc',
  'idle',
];

/** A function in a profile. Two calls of one function share a frame. */
export interface ProfileFrame {
  /** '' for one without a name. */
  function: string;
  /** Absolute path or URL of the original source; '' for what has none. */
  file: string;
  /** Where the function begins, 1-based; 0 where unknown. */
  line: number;
  column: number;
  category: ProfileCategory;
}

/** What the weights are: µs of wall-clock time, bytes, or a count of samples. */
export type ProfileUnit = 'us' | 'bytes' | 'samples';

/** The samples in the order of time, as columns. */
export interface Samples {
  node: Uint32Array;
  /** µs since the profile began. */
  atUs: Float64Array;
  /** In the profile's unit. */
  weight: Float64Array;
}

/** How the profile of a thread was taken, as far as it is known. */
export interface Taken {
  spanUs: number;
  sampleCount: number;
  /** µs or bytes between two samples. */
  interval: number | null;
  /** Estimated from the gaps. */
  missedCount: number | null;
  /** Whether functions that were optimised before are in it. */
  warmCode: boolean | null;
  /** Whether inlined functions have their own time. */
  apart: boolean | null;
  /** Stacks were taken where V8 can be interrupted (calls, turns of loops), and none while the thread was idle. */
  safepoints?: true;
}

/** Of which thread a profile is, and when it began: what is needed to show it beside a recording. Null if not known. */
export interface Origin {
  /** µs of the machine's monotonic clock, the one of `process.hrtime`. */
  startUs: number | null;
  pid: number | null;
  /** 0 is the main thread. */
  threadId: number | null;
}

/** What the lines of a function had of its own weight. */
export interface LineWeights {
  node: Uint32Array;
  /** 1-based, of the original source. */
  line: Uint32Array;
  /** In the profile's unit. */
  weight: Float64Array;
}

/** The call tree of one thread; node 0 is the root and has no frame, a parent stands before its children. */
export interface ThreadProfile {
  /** 'main thread', 'worker 2' */
  name: string;
  frames: readonly ProfileFrame[];
  /** Of each node its caller's; -1 for the root. */
  parent: Int32Array;
  /** Index into `frames`; -1 for the root. */
  frame: Int32Array;
  /** Own weight of each node. */
  self: Float64Array;
  samples: Samples | null;
  lines: LineWeights | null;
  taken: Taken | null;
  origin?: Origin | null;
}

/** CPU time, allocation or waiting of a process, by call stack. */
export interface Profile {
  title: string;
  kind: 'cpu' | 'alloc-space' | 'in-use-space' | 'waiting' | 'other';
  unit: ProfileUnit;
  threads: readonly ThreadProfile[];
}
