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

/** A thread is in that state also for a moment when it takes a lock of the kernel. */
const MIN_UNINTERRUPTIBLE_LOOKS = 2;

/**
 * Measures what a thread did during a gap. Clocks are read at each beat, which comes often; the state of the
 * thread, and what the machine lacked, only during a gap.
 */
export class StallClocks {
  readonly #options: StallTimesOptions;
  readonly #held = createRuns(MIN_UNINTERRUPTIBLE_LOOKS);
  #beat: Reading;
  #atStart: ThreadStat | null = null;
  #last: ThreadStat | null = null;
  #pressureAtStart: Pressure | null = null;
  #silentMs = 0;
  #sleptMs = 0;
  #lockedMs = 0;
  #looks = 0;
  /** Since the last beat: nothing can be read any more if the thread has ended meanwhile. */
  #lastCpu: ThreadCpu | null = null;

  constructor(options: StallTimesOptions) {
    this.#options = options;
    this.#beat = this.#read(0);
  }

  /** The loop turned. */
  beat(now: number): void {
    this.#beat = this.#read(now);
    this.#lastCpu = null;
    this.#looks = 0;
  }

  /** A gap was noticed, which has lasted this long. */
  begin(lastedMs: number): void {
    this.#silentMs = lastedMs;
    this.#sleptMs = 0;
    this.#lockedMs = 0;
    this.#looks = 0;
    this.#held.reset();
    this.#pressureAtStart = this.#options.pressure();
    this.look(lastedMs);
    this.#atStart = this.#last;
  }

  /** It goes on. */
  look(elapsedMs: number): void {
    this.#lastCpu = this.#options.cpu() ?? this.#lastCpu;
    const last = this.#options.stat();
    if (!last) return;
    this.#last = last;
    this.#looks++;
    if (last.state === 'sleeps') this.#sleptMs += elapsedMs;
    if (last.state === 'locked') this.#lockedMs += elapsedMs;
    this.#held.look(last.state === 'uninterruptible', elapsedMs);
  }

  /** Since the last beat, for a gap of this length that ends now. */
  measure(now: number, durationMs: number): StallTimes {
    const beat = this.#beat;
    const { cpu: latest, limit } = this.#read(now);
    const cpu = latest ?? this.#lastCpu;
    const clocks = cpu && beat.cpu;
    const ranMs = clocks ? Math.max(0, cpu.cpuMs - beat.cpu!.cpuMs) : 0;
    const queueMs = clocks ? Math.max(0, cpu.runQueueMs - beat.cpu!.runQueueMs) : 0;
    const within = scaler(Math.max(now - beat.at, ranMs + queueMs), durationMs, ranMs + queueMs);
    return {
      cpuMs: clocks ? within(ranMs) : null,
      runQueueMs: clocks ? within(queueMs) : null,
      ...(limit?.cpus != null &&
        beat.limit && {
          throttledMs: within(limit.throttledMs - beat.limit.throttledMs),
          limitCpus: limit.cpus,
        }),
      ...this.#waits(durationMs),
    };
  }

  #read(at: number): Reading {
    return { at, cpu: this.#options.cpu(), limit: this.#options.limit() };
  }

  /** None if the thread's state was not seen. */
  #waits(durationMs: number): Partial<StallTimes> {
    const last = this.#last;
    const atStart = this.#atStart;
    if (this.#looks === 0 || !atStart || !last) return {};
    const pressed = this.#pressure(durationMs);
    const countedMs = last.diskMs - atStart.diskMs;
    const heldMs = Math.min(durationMs, Math.max(this.#held.totalMs(), countedMs));
    // Waits for a disk are counted; the rest were waits for a lock of the kernel or for a starting child.
    const diskMs = pressed?.ioMs == null ? heldMs : Math.min(heldMs, Math.max(countedMs, pressed.ioMs));
    return {
      sleptMs: Math.min(this.#sleptMs, durationMs),
      lockedMs: Math.min(this.#lockedMs, durationMs),
      diskMs,
      kernelMs: heldMs - diskMs,
      majorFaults: last.majorFaults - atStart.majorFaults,
      ...(pressed && { pressure: pressed }),
    };
  }

  /** Extrapolates to the gap from the part that was observed. */
  #pressure(durationMs: number): NonNullable<StallTimes['pressure']> | null {
    const atStart = this.#pressureAtStart;
    const now = atStart && this.#options.pressure();
    if (!now) return null;
    const factor = durationMs > this.#silentMs ? durationMs / (durationMs - this.#silentMs) : 1;
    const within = (ms: number | null, before: number | null): number | null =>
      ms === null || before === null ? null : Math.min(durationMs, Math.max(0, ms - before) * factor);
    return {
      of: atStart.of,
      cpuMs: within(now.cpuMs, atStart.cpuMs),
      ioMs: within(now.ioMs, atStart.ioMs),
      memoryMs: within(now.memoryMs, atStart.memoryMs),
    };
  }
}

/** Adds up the time of readings of which this many in a row saw the same. */
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
 * A beat is noticed up to a tick late, and later if the watchdog has no core: what was read since then counts for the
 * whole gap, and is no more than it.
 */
function scaler(readMs: number, durationMs: number, knownMs: number): (ms: number) => number {
  const longer = readMs > 0 ? Math.max(1, durationMs / readMs) : 1;
  const factor = knownMs * longer > durationMs ? durationMs / knownMs : longer;
  return (ms) => Math.min(durationMs, Math.max(0, ms) * factor);
}
