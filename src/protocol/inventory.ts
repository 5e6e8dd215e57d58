import type { RawFrame } from '../recording/source-maps.ts';

/** The suspended calls of a thread, as V8's promises lead to them. */
export interface Inventory {
  /** Promises in the heap, settled ones as well. */
  promises: number;
  /** How many of them were asked about. */
  probed: number;
  /** Could not be asked about. */
  failed: number;
  /** Lead to calls that are not listed, because there are too many different ones. */
  beyond: number;
  /** Positions in the generated code. */
  frames: RawFrame[];
  /** Equal chains of calls: how many promises lead there, and the frames, the call that awaits first. */
  groups: { count: number; frames: number[] }[];
  /** How long the thread was paused for it. */
  pauseMs: number;
  /** What asking took after that, in slices. */
  workMs: number;
}

/** Absolute paths of files that must not exist yet. */
export interface InventoryFiles {
  snapshot: string;
  /** For each promise in the snapshot's list the number of its group, 32 bits in the machine's order. */
  index: string;
}
