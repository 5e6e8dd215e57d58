import type { AllocationProfiled, AllocationRequest } from '../protocol/allocation-parts.ts';
import type { Connection } from './connect.ts';
import { type Gathered, gatherThreads, readText } from './gather-threads.ts';

/** For what follows the end of the time: a full collection, and the profile. */
const PATIENCE_MS = 90_000;

export interface AllocationProfile {
  /** 0 is the main thread. */
  threadId: number;
  /** V8's SamplingHeapProfile, as JSON text: the content of a `.heapprofile` file. */
  text: string;
}

/** Samples the allocations of all threads at once. Rejects with TargetError, also if no thread has a profile. */
export function takeAllocationProfiles(
  connection: Connection,
  request: AllocationRequest,
): Promise<Gathered<AllocationProfile>> {
  return gatherThreads(connection, {
    method: 'allocation-profile',
    params: request,
    timeoutMs: request.durationMs + PATIENCE_MS,
    what: 'profile',
    readerFor: () => readText((text, { threadId }: AllocationProfiled) => ({ threadId, text })),
  });
}
