import type { StallRow } from '../../../src/recording/types.ts';
import type { CpuLimit } from '../platform/container.ts';
import type { Pressure } from '../platform/pressure.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import type { ThreadStat } from '../platform/thread-stat.ts';

/** What a thread did during a stall: fields of its row. */
export type StallTimes = Pick<
  StallRow,
  | 'cpuMs'
  | 'runQueueMs'
  | 'throttledMs'
  | 'limitCpus'
  | 'sleptMs'
  | 'lockedMs'
  | 'diskMs'
  | 'kernelMs'
  | 'majorFaults'
  | 'pressure'
>;

export interface StallTimesOptions {
  cpu(): ThreadCpu | null;
  limit(): CpuLimit | null;
  stat(): ThreadStat | null;
  pressure(): Pressure | null;
}

interface Reading {
  at: number;
  cpu: ThreadCpu | null;
  limit: CpuLimit | null;
}

/** A thread is seen in that state also where it takes a lock of the kernel's for a moment. */
const MIN_UNINTERRUPTIBLE_LOOKS = 2;

/**
 * Tells what a thread did while its loop was silent. Clocks are read at each beat, which comes often; the state of the
 * thread, and what the machine lacked, only during a silence.
 */
export function createStallTimes({ cpu, limit, stat, pressure }: StallTimesOptions) {
  const read = (at: number): Reading => ({ at, cpu: cpu(), limit: limit() });
  let beat = read(0);
  let atStart: ThreadStat | null = null;
  let last: ThreadStat | null = null;
  let pressureAtStart: Pressure | null = null;
  let silentMs = 0;
  let sleptMs = 0;
  let lockedMs = 0;
  let looks = 0;
  const held = createRuns(MIN_UNINTERRUPTIBLE_LOOKS);

  const look = (elapsedMs: number): void => {
    last = stat();
    if (!last) return;
    looks++;
    if (last.state === 'sleeps') sleptMs += elapsedMs;
    if (last.state === 'locked') lockedMs += elapsedMs;
    held.look(last.state === 'uninterruptible', elapsedMs);
  };
  /** Of the silence, by what is known of the part that was looked at. */
  const pressureOf = (durationMs: number): NonNullable<StallTimes['pressure']> | null => {
    const now = pressureAtStart && pressure();
    if (!now || !pressureAtStart) return null;
    const factor = durationMs > silentMs ? durationMs / (durationMs - silentMs) : 1;
    const within = (ms: number | null, before: number | null): number | null =>
      ms === null || before === null ? null : Math.min(durationMs, Math.max(0, ms - before) * factor);
    const { of, cpuMs, ioMs, memoryMs } = pressureAtStart;
    return {
      of,
      cpuMs: within(now.cpuMs, cpuMs),
      ioMs: within(now.ioMs, ioMs),
      memoryMs: within(now.memoryMs, memoryMs),
    };
  };
  const waitsOf = (durationMs: number): Partial<StallTimes> => {
    const pressed = pressureOf(durationMs);
    const countedMs = last!.diskMs - atStart!.diskMs;
    const heldMs = Math.min(durationMs, Math.max(held.totalMs(), countedMs));
    // Whoever waits for a disk is counted: what is not, waited for a lock of the kernel or for a child that is starting.
    const diskMs = pressed?.ioMs == null ? heldMs : Math.min(heldMs, Math.max(countedMs, pressed.ioMs));
    return {
      sleptMs: Math.min(sleptMs, durationMs),
      lockedMs: Math.min(lockedMs, durationMs),
      diskMs,
      kernelMs: heldMs - diskMs,
      majorFaults: last!.majorFaults - atStart!.majorFaults,
      ...(pressed && { pressure: pressed }),
    };
  };
  return {
    /** The loop turned. */
    beat(now: number): void {
      beat = read(now);
      looks = 0;
    },
    /** A silence was noticed, which has lasted for so long. */
    begin(lastedMs: number): void {
      silentMs = lastedMs;
      sleptMs = 0;
      lockedMs = 0;
      looks = 0;
      held.reset();
      pressureAtStart = pressure();
      look(lastedMs);
      atStart = last;
    },
    /** It goes on. */
    look,
    /** Since the last beat, for a silence of this length that ends now. */
    measure(now: number, durationMs: number): StallTimes {
      const { cpu: cpuNow, limit: limitNow } = read(now);
      const clocks = cpuNow && beat.cpu;
      const ranMs = clocks ? Math.max(0, cpuNow.cpuMs - beat.cpu!.cpuMs) : 0;
      const queueMs = clocks ? Math.max(0, cpuNow.runQueueMs - beat.cpu!.runQueueMs) : 0;
      const within = scaler(Math.max(now - beat.at, ranMs + queueMs), durationMs, ranMs + queueMs);
      const seen = looks > 0 && atStart !== null && last !== null;
      return {
        cpuMs: clocks ? within(ranMs) : null,
        runQueueMs: clocks ? within(queueMs) : null,
        ...(limitNow?.cpus != null &&
          beat.limit && {
            throttledMs: within(limitNow.throttledMs - beat.limit.throttledMs),
            limitCpus: limitNow.cpus,
          }),
        ...(seen && waitsOf(durationMs)),
      };
    },
  };
}

/** Adds up the time of looks of which so many in a row saw the same. */
function createRuns(least: number) {
  let count = 0;
  let runMs = 0;
  let sumMs = 0;
  const end = (): void => {
    if (count >= least) sumMs += runMs;
    count = 0;
    runMs = 0;
  };
  return {
    look(is: boolean, elapsedMs: number): void {
      if (!is) {
        end();
        return;
      }
      count++;
      runMs += elapsedMs;
    },
    reset(): void {
      end();
      sumMs = 0;
    },
    totalMs: (): number => sumMs + (count >= least ? runMs : 0),
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
