import type { AllocationPart, AllocationRequest } from '../protocol/allocation-parts.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

/** What comes behind the end of the time: a full collection, and the profile. */
const PATIENCE_MS = 90_000;

export interface AllocationProfiles {
  /** V8's SamplingHeapProfile, as JSON text: the content of a `.heapprofile` file. */
  threads: { threadId: number; text: string }[];
  /** Of threads without one: why. */
  problems: { threadId: number; problem: string }[];
}

/** Samples the allocations of all threads at once. Rejects with TargetError, also where no thread has a profile. */
export async function takeAllocationProfiles(
  connection: Connection,
  request: AllocationRequest,
): Promise<AllocationProfiles> {
  const texts = new Map<number, string[]>();
  const threads: AllocationProfiles['threads'] = [];
  const problems: AllocationProfiles['problems'] = [];
  const onPart = (value: unknown): void => {
    const part = value as AllocationPart;
    const { threadId } = part;
    if (part.part === 'profile') {
      const pieces = texts.get(threadId) ?? [];
      texts.set(threadId, pieces);
      pieces.push(part.text);
      return;
    }
    const text = texts.get(threadId)?.join('');
    if (part.problem !== null || text === undefined)
      problems.push({ threadId, problem: part.problem ?? 'nothing came' });
    else threads.push({ threadId, text });
  };
  await connection.request('allocation-profile', request, { onPart, timeoutMs: request.durationMs + PATIENCE_MS });
  if (threads.length === 0) {
    const why = problems[0]?.problem ?? 'it has no thread';
    throw new TargetError(`No profile of process ${connection.hello.pid}: ${why}.`);
  }
  return { threads: threads.sort((a, b) => a.threadId - b.threadId), problems };
}
