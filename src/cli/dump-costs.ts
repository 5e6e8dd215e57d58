import { fullMemoryBytes, fullPauseMs, quickPauseMs, snapshotPauseMs } from '../async-dump/estimate.ts';
import type { Connection } from '../attach/connect.ts';

/** A longer pause is announced, and taken only if the user agrees. */
export const ANNOUNCED_MS = 200;
const ESTIMATE_TIMEOUT_MS = 15_000;
/** If a thread does not answer, its heap is assumed to be that of a small program. */
const UNKNOWN_HEAP_BYTES = 10e6;

/** What a dump would cost the process. */
export interface Costs {
  quickMs: number;
  fullMs: number;
  /** Of one heap snapshot of the thread that was asked for. */
  snapshotMs: number;
  snapshotBytes: number;
  neededBytes: number;
  availableBytes: number;
}

export async function estimateOf(connection: Connection, threadId = 0): Promise<Costs> {
  const answer = await connection.request('estimate', {}, { timeoutMs: ESTIMATE_TIMEOUT_MS });
  // The threads are paused one after the other.
  const largest = Math.max(0, ...answer.threads.map(({ heapBytes }) => heapBytes ?? UNKNOWN_HEAP_BYTES));
  const heapBytes = answer.threads.find((thread) => thread.threadId === threadId)?.heapBytes ?? UNKNOWN_HEAP_BYTES;
  return {
    quickMs: quickPauseMs(largest),
    fullMs: fullPauseMs(largest),
    snapshotMs: snapshotPauseMs(heapBytes),
    snapshotBytes: fullMemoryBytes(heapBytes),
    neededBytes: fullMemoryBytes(largest),
    availableBytes: answer.availableBytes,
  };
}
