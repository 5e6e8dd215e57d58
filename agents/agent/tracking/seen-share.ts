import { max } from '../../primordials.ts';

/** What a row has of it. */
export interface Seen {
  /** Promises made since the last row, those of the pauses as many as the windows let expect. */
  promises: number;
  /** Of all that was started since tracking began, what was seen. 0..1 */
  seenShare: number;
  /** Pauses so far. */
  pauses: number;
}

/**
 * How much of what the thread started was seen. In a pause as much was started each second as in the window before it: windows are at
 * random, so that errs to no side.
 */
export class SeenShare {
  #seen = 0;
  #missed = 0;
  #pauses = 0;
  #promises = 0;
  #missedPromises = 0;
  /** Of the window that runs, or the last one. */
  #window = { fromMs: 0, ms: 0, started: 0, promises: 0 };
  #pausedMs: number | null = null;

  constructor(nowMs: number) {
    this.#window.fromMs = nowMs;
  }

  add(promises: number, started: number): void {
    this.#seen += started;
    this.#promises += promises;
    this.#window.started += started;
    this.#window.promises += promises;
  }

  closed(nowMs: number): void {
    this.#window.ms = nowMs - this.#window.fromMs;
    this.#pausedMs = nowMs;
    this.#pauses++;
  }

  opened(nowMs: number): void {
    this.#account(nowMs);
    this.#pausedMs = null;
    this.#window = { fromMs: nowMs, ms: 0, started: 0, promises: 0 };
  }

  hasPaused(): boolean {
    return this.#pauses > 0;
  }

  read(nowMs: number): Seen {
    if (this.#pausedMs !== null) this.#account(nowMs);
    const all = this.#seen + this.#missed;
    const promises = this.#promises + this.#missedPromises;
    this.#promises = 0;
    this.#missedPromises = 0;
    return { promises, seenShare: all > 0 ? this.#seen / all : 1, pauses: this.#pauses };
  }

  #account(nowMs: number): void {
    if (this.#pausedMs === null) return;
    const times = (nowMs - this.#pausedMs) / max(1, this.#window.ms);
    this.#missed += this.#window.started * times;
    this.#missedPromises += this.#window.promises * times;
    this.#pausedMs = nowMs;
  }
}
