/** Utilization of a loop while V8 profiles its thread: by CPU time, as Node's own figure is wrong then. */
import type { EventLoopUtilizationRow, StallRow } from '../../src/recording/types.ts';

type Clocks = { cpuMs: number; runQueueMs: number } | null;
type Utilization = Omit<EventLoopUtilizationRow, 't'>;

export interface TrueUtilizationOptions {
  /** The observed thread so far; null if the platform does not report it. */
  cpu(): Clocks;
  isProfiled(): boolean;
  /** Stalls that have ended. */
  stalls(): readonly StallRow[];
}

/**
 * Waiting for events ends early with each signal of the profiler, and Node does not count as idle what was waited until then: an idle
 * loop reads as nearly nine tenths busy. No loop is busy for longer than its thread ran, wanted to run, or waited within a call.
 */
export class TrueUtilization {
  readonly #options: TrueUtilizationOptions;
  #last: Clocks;
  #wasProfiled = false;
  #lastStall: StallRow | undefined;

  constructor(options: TrueUtilizationOptions) {
    this.#options = options;
    this.#last = options.cpu();
  }

  /** To be called with each row. */
  corrected<Row extends Utilization>(row: Row): Row {
    const { cpu, isProfiled } = this.#options;
    const [before, now] = [this.#last, cpu()];
    const wasProfiled = this.#wasProfiled;
    const waitedMs = this.#waitedMs();
    this.#last = now;
    this.#wasProfiled = isProfiled();
    if (!before || !now || !(wasProfiled || this.#wasProfiled)) return row;
    const wholeMs = row.activeMs + row.idleMs;
    const mostMs = now.cpuMs - before.cpuMs + (now.runQueueMs - before.runQueueMs) + waitedMs;
    if (mostMs >= row.activeMs || wholeMs <= 0) return row;
    return { ...row, activeMs: mostMs, idleMs: wholeMs - mostMs, utilization: mostMs / wholeMs };
  }

  /** Within calls, in the stalls since the last row. */
  #waitedMs(): number {
    const all = this.#options.stalls();
    const known = this.#lastStall ? all.lastIndexOf(this.#lastStall) : -1;
    this.#lastStall = all.at(-1);
    return all
      .slice(known + 1)
      .reduce(
        (sum, { durationMs, cpuMs, runQueueMs }) => sum + Math.max(0, durationMs - (cpuMs ?? 0) - (runQueueMs ?? 0)),
        0,
      );
  }
}
