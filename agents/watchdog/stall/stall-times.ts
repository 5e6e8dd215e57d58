import type { StallRow } from '../../../src/recording/types.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import type { ThreadStat } from '../platform/thread-stat.ts';

/** What a thread did during a stall: fields of its row. */
export type StallTimes = Pick<
  StallRow,
  'cpuMs' | 'runQueueMs' | 'throttledMs' | 'sleptMs' | 'lockedMs' | 'diskMs' | 'majorFaults'
>;

export interface StallTimesOptions {
  cpu(): ThreadCpu | null;
  /** Time so far that a CPU limit held the process back; null where there is none. */
  throttledMs(): number | null;
  stat(): ThreadStat | null;
}

interface Reading {
  at: number;
  cpu: ThreadCpu | null;
  throttledMs: number | null;
}

/**
 * Tells what a thread did while its loop was silent. Clocks are read at each beat, which comes often; the state of the
 * thread only during a silence.
 */
export function createStallTimes({ cpu, throttledMs, stat }: StallTimesOptions) {
  const read = (at: number): Reading => ({ at, cpu: cpu(), throttledMs: throttledMs() });
  let beat = read(0);
  let atStart: ThreadStat | null = null;
  let last: ThreadStat | null = null;
  let sleptMs = 0;
  let lockedMs = 0;
  let diskMs = 0;
  let looks = 0;

  const look = (elapsedMs: number): void => {
    last = stat();
    if (!last) return;
    looks++;
    if (last.state === 'sleeps') sleptMs += elapsedMs;
    if (last.state === 'locked') lockedMs += elapsedMs;
    if (last.state === 'disk') diskMs += elapsedMs;
  };
  return {
    /** The loop turned. */
    beat(now: number): void {
      beat = read(now);
      looks = 0;
    },
    /** A silence was noticed, which has lasted for so long. */
    begin(silentMs: number): void {
      sleptMs = 0;
      lockedMs = 0;
      diskMs = 0;
      looks = 0;
      look(silentMs);
      atStart = last;
    },
    /** It goes on. */
    look,
    /** Since the last beat, for a silence of this length that ends now. */
    measure(now: number, durationMs: number): StallTimes {
      const { cpu: cpuNow, throttledMs: throttledNow } = read(now);
      const clocks = cpuNow && beat.cpu;
      const ranMs = clocks ? Math.max(0, cpuNow.cpuMs - beat.cpu!.cpuMs) : 0;
      const queueMs = clocks ? Math.max(0, cpuNow.runQueueMs - beat.cpu!.runQueueMs) : 0;
      const within = scaler(Math.max(now - beat.at, ranMs + queueMs), durationMs, ranMs + queueMs);
      const seen = looks > 0 && atStart !== null && last !== null;
      return {
        cpuMs: clocks ? within(ranMs) : null,
        runQueueMs: clocks ? within(queueMs) : null,
        ...(throttledNow !== null &&
          beat.throttledMs !== null && { throttledMs: within(throttledNow - beat.throttledMs) }),
        ...(seen && {
          sleptMs: Math.min(sleptMs, durationMs),
          lockedMs: Math.min(lockedMs, durationMs),
          diskMs: Math.min(durationMs, Math.max(diskMs, last!.diskMs - atStart!.diskMs)),
          majorFaults: last!.majorFaults - atStart!.majorFaults,
        }),
      };
    },
  };
}

/**
 * A beat is noticed up to a tick late, and later where the watchdog has no core: what was read since then stands for the
 * whole silence, and is no more than it.
 */
function scaler(readMs: number, durationMs: number, knownMs: number): (ms: number) => number {
  const longer = readMs > 0 ? Math.max(1, durationMs / readMs) : 1;
  const factor = knownMs * longer > durationMs ? durationMs / knownMs : longer;
  return (ms) => Math.min(durationMs, Math.max(0, ms) * factor);
}
