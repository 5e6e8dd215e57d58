import { max, min } from '../../primordials.ts';

/** What the unit costs may be wrong by: beyond that, the program changed what it does from windows to pauses. */
const FACTOR = { least: 0.5, most: 4 };
/** Of CPU time in windows, what chance makes of it: as much of it counts as believed already. */
const CHANCE = 0.05;
/** Resources of windows, and of pauses, from which on they say something. */
const LEAST_MADE = 2000;
/** What earlier windows weigh with each that begins. */
const DECAY = 0.85;

/** From one check to the next. */
export interface Interval {
  /** CPU time of the thread without what the agent measured by the clock. */
  cpuMs: number;
  /** Async resources that were made: Node numbers them with and without hooks. */
  made: number;
  /** In a window: what calls of hooks took by their unit costs. */
  hooksMs: number;
}

/**
 * Compares windows with the pauses between them: what the same work takes with hooks and without. That has everything in it, also what
 * no unit cost knows: code that V8 optimises less well, and garbage that hooks make.
 */
export class Calibration {
  readonly #inside: Interval = { cpuMs: 0, made: 0, hooksMs: 0 };
  readonly #outside: Interval = { cpuMs: 0, made: 0, hooksMs: 0 };
  /** Null until the first pause: how a program starts is not typical. */
  #wasOpen: boolean | null = null;

  add(isOpen: boolean, interval: Interval): void {
    if (isOpen && this.#wasOpen === null) return;
    if (isOpen && !this.#wasOpen) {
      forget(this.#inside);
      forget(this.#outside);
    }
    this.#wasOpen = isOpen;
    const sums = isOpen ? this.#inside : this.#outside;
    sums.cpuMs += interval.cpuMs;
    sums.made += interval.made;
    sums.hooksMs += interval.hooksMs;
  }

  /** By what unit costs are to be multiplied. */
  factor(): number {
    const [inside, outside] = [this.#inside, this.#outside];
    if (inside.made < LEAST_MADE || outside.made < LEAST_MADE) return 1;
    const moreMs = inside.cpuMs - inside.made * (outside.cpuMs / outside.made);
    const believedMs = CHANCE * inside.cpuMs;
    return max(FACTOR.least, min(FACTOR.most, (believedMs + moreMs) / (believedMs + inside.hooksMs)));
  }
}

function forget(sums: Interval): void {
  sums.cpuMs *= DECAY;
  sums.made *= DECAY;
  sums.hooksMs *= DECAY;
}
