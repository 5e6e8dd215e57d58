/** What crosses the agent's socket while allocations are sampled. */

import type { TextPart } from './profile-parts.ts';

/** Parameters of the method `allocation-profile`. */
export interface AllocationRequest {
  durationMs: number;
  /** Mean number of bytes between two samples. */
  intervalBytes: number;
  /** Only what is still alive at the end; else all that was allocated. */
  live: boolean;
}

/** The last part of a thread; `problem` is null where all went well. */
export interface AllocationProfiled {
  part: 'profiled';
  threadId: number;
  problem: string | null;
}

export type AllocationPart = TextPart | AllocationProfiled;
