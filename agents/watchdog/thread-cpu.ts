import { closeSync, openSync, readSync } from 'node:fs';

export interface ThreadCpu {
  cpuMs: number;
  /** Time runnable without a core: host contention. */
  runQueueMs: number;
  /** How often it was given a core: the same as before, and it has not run meanwhile. */
  timeslices: number;
}

export interface ThreadCpuReader {
  /** null where the platform does not tell, and when the thread is gone. */
  (): ThreadCpu | null;
  close(): void;
}

/**
 * CPU time and run-queue wait of a thread of this process (or of the calling one), read from Linux' `schedstat` (two sums of nanoseconds and a count); null elsewhere.
 * The descriptor stays open: opening it each time costs four times as much.
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
export function openThreadCpu(thread: number | 'self' | null): ThreadCpuReader {
  const file = open(thread);
  if (file === null) return Object.assign(() => null, { close: () => {} });
  const buffer = Buffer.alloc(96);
  let closed = false;
  const read = (): ThreadCpu | null => {
    if (closed) return null;
    try {
      const [cpu, wait, slices] = buffer.toString('latin1', 0, readSync(file, buffer, 0, 96, 0)).split(' ');
      const reading = { cpuMs: Number(cpu) / 1e6, runQueueMs: Number(wait) / 1e6, timeslices: Number(slices) };
      return Number.isFinite(reading.cpuMs + reading.runQueueMs) ? reading : null;
    } catch {
      return null;
    }
  };
  const close = (): void => {
    if (!closed) closeSync(file);
    closed = true;
  };
  return Object.assign(read, { close });
}

function open(thread: number | 'self' | null): number | null {
  if (thread === null) return null;
  try {
    return openSync(thread === 'self' ? '/proc/thread-self/schedstat' : `/proc/self/task/${thread}/schedstat`, 'r');
  } catch {
    return null;
  }
}
