/** Which functions wait for one thing after another. */
import type { RowBase } from './header.ts';
import type { Location } from './places.ts';

export const INDEPENDENT_KINDS = ['loop', 'sequence'] as const;

/** Awaits of one function that need none of the others, according to its text. */
export interface Independent {
  /** `loop`: again and again, for the items of a list. `sequence`: one after another. */
  kind: (typeof INDEPENDENT_KINDS)[number];
  /** Indexes of `steps`. */
  steps: number[];
  /** loop: the list is of the code around the function: its calls may share it. */
  shared?: true;
}

/** One place at which a function awaits. */
export interface SerialStep {
  location: Location;
  /** What is awaited, as text; '' if the source is not available. */
  code: string;
  /** Times that a call went on from here, and how long all of them waited. */
  count: number;
  waitedMs: number;
  /** Timers that were started below this line and ran to their end. */
  pauses: number;
  /** Of the one call that waited longest here: how often, how long in all, and the longest. */
  longest: { count: number; waitedMs: number; maxMs: number };
}

/** A function of which one call awaited several times. Counts are since tracking began, and of those that were followed. */
export interface SerialEntry {
  location: Location;
  callers: Location[];
  /** Calls that awaited more than once, and the most of them that were under way together. */
  runs: number;
  atOnce: number;
  steps: SerialStep[];
  independent: Independent[];
}

/** Functions that waited since the last such row (format 1.7). */
export interface SerialRow extends RowBase {
  type: 'serial';
  trackedMs: number;
  entries: SerialEntry[];
}
