import { openThreadFile, type ThreadFileReader } from './thread-file.ts';

export interface ThreadCpu {
  cpuMs: number;
  /** Time runnable without a core: host contention. */
  runQueueMs: number;
  /** How often it was given a core: the same as before, and it has not run meanwhile. */
  timeslices: number;
}

export type ThreadCpuReader = ThreadFileReader<ThreadCpu>;

/**
 * CPU time and run-queue wait of a thread, from Linux' `schedstat` (two sums of nanoseconds and a count); null elsewhere.
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
export function openThreadCpu(thread: number | 'self' | null): ThreadCpuReader {
  return openThreadFile(thread, 'schedstat', (text) => {
    const [cpu, wait, slices] = text.split(' ');
    const reading = { cpuMs: Number(cpu) / 1e6, runQueueMs: Number(wait) / 1e6, timeslices: Number(slices) };
    return Number.isFinite(reading.cpuMs + reading.runQueueMs) ? reading : null;
  });
}
