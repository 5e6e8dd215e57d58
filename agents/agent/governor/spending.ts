import { max, min, monotonicMs, NativeMap } from '../../primordials.ts';
import type { SensorCost } from '../../tracked.ts';
import { Calibration } from './calibration.ts';
import { createUnitCosts, type Sensor } from './unit-costs.ts';
import type { Work } from './work-clock.ts';

/** What took longer than so many times the usual, and this, had to wait for a core. */
const SPIKE = 4;
const LEAST_SPIKE_MS = 0.5;

/** Adds up what following costs the thread: calls by their unit costs, the rest by the clock. */
export class Spending {
  readonly #units = createUnitCosts();
  readonly #calibration = new Calibration();
  readonly #bySensor = new NativeMap<string, SensorCost>();
  #sinceTakenMs = 0;
  #hooksMs = 0;
  #hookRate = 0;
  #usualMs = LEAST_SPIKE_MS;
  #lastWork: Work | null = null;
  #factor = 1;
  /** Since the last reading of work: by unit costs, and by the clock. */
  #believedMs = 0;
  #clockedMs = 0;

  count(sensor: Sensor, calls: number): void {
    if (calls === 0) return;
    const believedMs = this.#units.costMs(sensor, calls);
    const ms = believedMs * this.#factor;
    this.#believedMs += believedMs;
    this.#hooksMs += ms;
    this.#add(sensor, calls, ms);
  }

  addMs(sensor: string, ms: number): void {
    this.#clockedMs += ms;
    this.#add(sensor, 0, ms);
  }

  /** Is reported by others, and counts here. */
  addElsewhere(ms: number): void {
    this.#sinceTakenMs += ms;
  }

  measure(sensor: string, job: () => void): void {
    const from = monotonicMs();
    try {
      job();
    } finally {
      const ms = min(max(LEAST_SPIKE_MS, SPIKE * this.#usualMs), monotonicMs() - from);
      this.#usualMs += (ms - this.#usualMs) / 16;
      this.#clockedMs += ms;
      this.#add(sensor, 1, ms);
    }
  }

  /** What the thread did since the last call, with hooks or without; null where that cannot be compared. */
  worked(work: Work, wasOpen: boolean | null): void {
    const before = this.#lastWork;
    this.#lastWork = work;
    if (before && wasOpen !== null) {
      this.#calibration.add(wasOpen, {
        cpuMs: max(0, work.cpuMs - before.cpuMs - this.#clockedMs),
        made: max(0, work.made - before.made),
        hooksMs: this.#believedMs,
      });
      this.#factor = this.#calibration.factor();
    }
    this.#believedMs = 0;
    this.#clockedMs = 0;
  }

  /** The hooks were in for so long since this was called last. */
  passed(ms: number): void {
    if (ms > 0) this.#hookRate = this.#hooksMs / ms;
    this.#hooksMs = 0;
  }

  /** Of the thread's time, what calls of hooks take while they are in. */
  hookRate(): number {
    return this.#hookRate;
  }

  /** All since the last call, in ms. */
  take(): number {
    const ms = this.#sinceTakenMs;
    this.#sinceTakenMs = 0;
    return ms;
  }

  /** By sensor, since the last call. */
  read(): SensorCost[] {
    const all = [...this.#bySensor.values()];
    this.#bySensor.clear();
    return all;
  }

  #add(sensor: string, calls: number, ms: number): void {
    this.#sinceTakenMs += ms;
    const known = this.#bySensor.get(sensor);
    if (known) {
      known.calls += calls;
      known.ms += ms;
    } else this.#bySensor.set(sensor, { sensor, calls, ms });
  }
}
