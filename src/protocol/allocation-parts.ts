/** What crosses the agent's socket while allocations are sampled. */

import type { TextPart } from './profile-parts.ts';

/** Parameters of the method `allocation-profile`. */
export interface AllocationRequest {
  durationMs: number;
  /** Mean number of bytes between two samples. */
  intervalBytes: number;
  /** Only what is still alive at the end; otherwise everything that was allocated. */
  live: boolean;
}

/** The last part of a thread; `problem` is null where all went well. */
export interface AllocationProfiled {
  part: 'profiled';
  threadId: number;
  problem: string | null;
}

export type AllocationPart = TextPart | AllocationProfiled;

export interface V8AllocationNode {
  id: number;
  /** Line and column 0-based. */
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
  selfSize: number;
  children: V8AllocationNode[];
}

/**
 * https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#type-SamplingHeapProfile. The ordinals of the
 * samples number all that were taken, also those whose objects are gone.
 */
export interface V8AllocationProfile {
  head: V8AllocationNode;
  samples: { size: number; nodeId: number; ordinal: number }[];
}
