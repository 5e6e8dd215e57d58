import type { RawFrame } from '../recording/source-maps.ts';

/** Calls that are told of one chain. */
export const CHAIN_LIMIT = 64;

/** The suspended calls of a thread, as V8's promises lead to them. */
export interface Census {
  /** Promises in the heap, settled ones as well. */
  promises: number;
  /** How many of them were asked about. */
  probed: number;
  /** Could not be asked about. */
  failed: number;
  /** Lead to calls that are not told, as there are too many different ones. */
  beyond: number;
  /** Positions in the generated code. */
  frames: RawFrame[];
  /** Equal chains of calls: how many promises lead there, and the frames, the call that awaits first. */
  groups: { count: number; frames: number[] }[];
  /** How long the thread stood still for it. */
  pauseMs: number;
  /** What asking took after that, in slices. */
  workMs: number;
}

/** Absolute paths of files that must not exist yet. */
export interface CensusFiles {
  snapshot: string;
  /** For each promise in the snapshot's list the number of its group, 32 bits in the machine's order. */
  index: string;
}

/** Timers with the same function, delay and kind. */
export interface RawTimers {
  count: number;
  /** The callback and where it begins; the place is missing for built-ins, and where there are very many timers. */
  callback: RawFrame;
  delayMs: number;
  /** Since the oldest was started or fired last. */
  oldestMs: number;
  repeats: boolean;
  /** False: does not keep the process alive. */
  ref: boolean;
}

/** Open handles or requests of the same kind and address. All keep the process alive. */
export interface OpenHandles {
  count: number;
  /** Node's name of the class. */
  type: string;
  /** Address, path, descriptor or process id; '' where there is none. */
  detail: string;
}

/** What else a thread has open. */
export interface OpenResources {
  timers: RawTimers[];
  handles: OpenHandles[];
  /** Distinct ones beyond the limit. */
  more: number;
  /** Why the timers could not be read. */
  problem?: string;
}
