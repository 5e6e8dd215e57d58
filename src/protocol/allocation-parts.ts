/** What crosses the agent's socket while allocations are sampled. */

/** Parameters of the method `allocation-profile`. */
export interface AllocationRequest {
  durationMs: number;
  /** Mean number of bytes between two samples. */
  intervalBytes: number;
  /** Only what is still alive at the end; else all that was allocated. */
  live: boolean;
}

/** Of one thread: its profile in pieces of text, then how it went. `threadId` 0 is the main thread. */
export type AllocationPart =
  | { part: 'profile'; threadId: number; text: string }
  /** `problem` is null where all went well. */
  | { part: 'profiled'; threadId: number; problem: string | null };
