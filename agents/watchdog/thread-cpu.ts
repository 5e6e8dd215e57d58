import { openSync, readSync } from 'node:fs';

export interface ThreadCpu {
  cpuMs: number;
  /** Time runnable without a core: host contention. */
  runQueueMs: number;
}

/**
 * CPU time and run-queue wait of a thread of this process (or of the calling one), read from Linux' `schedstat` (two sums of nanoseconds); null elsewhere.
 * The descriptor stays open: opening it each time costs four times as much.
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
export function openThreadCpu(thread: number | 'self'): () => ThreadCpu | null {
  let file: number;
  try {
    file = openSync(thread === 'self' ? '/proc/thread-self/schedstat' : `/proc/self/task/${thread}/schedstat`, 'r');
  } catch {
    return () => null;
  }
  const buffer = Buffer.alloc(96);
  return () => {
    try {
      const [cpu, wait] = buffer.toString('latin1', 0, readSync(file, buffer, 0, 96, 0)).split(' ');
      const reading = { cpuMs: Number(cpu) / 1e6, runQueueMs: Number(wait) / 1e6 };
      return Number.isFinite(reading.cpuMs + reading.runQueueMs) ? reading : null;
    } catch {
      return null;
    }
  };
}
