/** Numbers that the agent records by and that whoever reads a recording has to know. */

import type { Level } from './types.ts';

/** EVDIAG_SLOW_MS where nothing is set, in ms without a turn of the loop: asyncio's debug mode has the same. */
export const SLOW_MS = 100;

/**
 * Bytes that are alive at most where V8 is asked for its samples of allocations: it collects all garbage at once for that, some 1.5 ms
 * per MB (Node 20–26), and a larger heap is not stopped without being asked.
 */
export const SAMPLED_BYTES: Record<Level, number> = { watch: 100e6, diagnose: 256e6 };
/** At level watch, ms for which allocations are sampled after one trigger. */
export const SAMPLING_MS = 180_000;

/** Entries of one row of what is unfinished, at most; of some 200 bytes each. One that is missing from a full row is not gone. */
export const UNFINISHED_ENTRIES = 60;
