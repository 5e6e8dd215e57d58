/** Numbers that the agent uses and that readers of a recording have to know. */

import type { Level } from './types.ts';

/** EVDIAG_BUDGET where nothing is set: of an observed thread's time, what the agent may take for following it. */
export const BUDGET_SHARE: Record<Level, number> = { watch: 0.005, diagnose: 0.05 };

/** Default of EVDIAG_SLOW_MS, in ms without a turn of the loop: the same as in asyncio's debug mode. */
export const SLOW_MS = 100;

/**
 * V8 is asked for its samples of allocations only if at most this many bytes are alive: it collects all garbage at once for that, some 1.5 ms
 * per MB (Node 20–26), and a larger heap is not paused unless a person asks for it.
 */
export const SAMPLED_BYTES: Record<Level, number> = { watch: 100e6, diagnose: 256e6 };
/** At level watch, how long allocations are sampled after one trigger, in ms. */
export const SAMPLING_MS = 180_000;

/** Most entries in one row `unfinished`, of some 200 bytes each. An entry that is missing from a full row may still be alive. */
export const UNFINISHED_ENTRIES = 60;
