import { type Recording, rowsOf } from '../recording/types.ts';
import { formatShare } from '../util/text.ts';

export interface Workload {
  /** `unknown` where the recording holds no usable row of CPU time or utilization. */
  class: 'cpu-bound' | 'io-bound' | 'mixed' | 'idle' | 'unknown';
  advice: string;
}

/** Below this, neither the loop nor the CPU did anything worth tuning. */
const IDLE_SHARE = 0.05;
/** Above this, the loop has little room left: queueing theory puts the knee of the latency curve near 70 %. */
const BUSY_SHARE = 0.7;
/** A busy loop that uses less CPU than this part of its busy time is waiting in synchronous calls. */
const COMPUTING_SHARE = 0.6;
/** Below this part of a core, the program mostly waits for others. */
const LOW_CPU_SHARE = 0.35;

/** A plain classification from how busy the loop was and how much CPU time the process took. */
export function classify(recording: Recording): Workload {
  const loop = loopShare(recording);
  const cpu = cpuShares(recording);
  if (loop === null || cpu === null) {
    return {
      class: 'unknown',
      advice: 'Too little was recorded to tell: let the program run for a few seconds under its usual load.',
    };
  }
  const [loopText, cpuText] = [formatShare(loop), formatShare(cpu.process)];
  if (loop < IDLE_SHARE && cpu.process < IDLE_SHARE) {
    return { class: 'idle', advice: 'The program did almost nothing: put it under its usual load and record again.' };
  }
  if (loop >= BUSY_SHARE && cpu.mainThread < loop * COMPUTING_SHARE) {
    return {
      class: 'io-bound',
      advice: `The loop was busy for ${loopText} of the time but computed little: replace synchronous calls by asynchronous ones.`,
    };
  }
  if (loop >= BUSY_SHARE) {
    return {
      class: 'cpu-bound',
      advice: `JavaScript kept the loop busy for ${loopText} of the time: make the hot code cheaper, or move it to worker threads or further processes.`,
    };
  }
  if (cpu.process >= BUSY_SHARE) {
    return {
      class: 'cpu-bound',
      advice: `The process took ${cpuText} of a core while its loop had room: the work is in other threads, so that their number and their jobs decide the speed.`,
    };
  }
  if (cpu.process < LOW_CPU_SHARE) {
    return {
      class: 'io-bound',
      advice: `The loop was free for ${formatShare(1 - loop)} of the time: what is slow waits for something else, so look at concurrency, upstreams and batching.`,
    };
  }
  return {
    class: 'mixed',
    advice: `The loop was busy for ${loopText} of the time and the process took ${cpuText} of a core: neither computing nor waiting alone decides the speed.`,
  };
}

function loopShare(recording: Recording): number | null {
  const rows = rowsOf(recording, 'event-loop-utilization');
  const activeMs = rows.reduce((sum, row) => sum + row.activeMs, 0);
  const totalMs = rows.reduce((sum, row) => sum + row.activeMs + row.idleMs, 0);
  return totalMs > 0 ? activeMs / totalMs : null;
}

function cpuShares(recording: Recording): { process: number; mainThread: number } | null {
  const rows = rowsOf(recording, 'cpu');
  const intervalMs = rows.reduce((sum, row) => sum + row.intervalMs, 0);
  if (intervalMs <= 0) return null;
  const process = rows.reduce((sum, row) => sum + row.userMs + row.systemMs, 0) / intervalMs;
  const known = rows.filter((row) => row.mainThreadMs !== null);
  const knownMs = known.reduce((sum, row) => sum + row.intervalMs, 0);
  const mainThread = known.reduce((sum, row) => sum + (row.mainThreadMs ?? 0), 0) / knownMs;
  return { process, mainThread: knownMs > 0 ? mainThread : Math.min(1, process) };
}
