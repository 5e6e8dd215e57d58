import type { RowOf, RowType } from '../../src/recording/types.ts';
import type { LastLook } from './last-look.ts';

/** The thread does hardly anything: so many seconds in a row, less than this share of each. */
const IDLE_ROWS = 3;
const IDLE_UTILIZATION = 0.05;
/** A start is no wait. */
const FIRST_LOOK_MS = 5000;
/** A longer pause is not worth it, though nothing else runs. */
const MAX_PAUSE_MS = 50;
/** Of going through the old generation, until it was measured in this process; and what `speedMs` is on that machine. */
const MS_PER_MB = 9;
const REFERENCE_MS = 0.13;
/** How much faster this machine is taken to be at most; that it is slower may be its load. */
const FACTOR = { least: 0.2, most: 1 };
/** The second look comes after what anybody waits for on purpose, mostly; then it is known who waits for long. */
const AGAIN_MS = 10_000;
/** Between looks into the heap: longer each time that nobody was found who waits for long. */
const PAUSE_MS = { least: 60_000, most: 15 * 60_000 };
/** Where all that was started is followed, the heap has nothing to add. */
const FOLLOWED_MS = 10_000;
const MOST_SHARE = 0.9;

export interface IdleLooksOptions {
  look: Pick<LastLook, 'take'>;
  rows<T extends RowType>(type: T): readonly RowOf<T>[];
  now(): number;
  /** A debugger is attached, or the thread cannot be asked. */
  isOff(): boolean;
  speedMs?(): number;
}

/**
 * Looks for suspended calls in the heap of a thread that idles, where the pause is short and what it started is not followed anyway. So a
 * deadlock is seen that happened before anybody looked: a program that hangs idles.
 */
export class IdleLooks {
  readonly #options: IdleLooksOptions;
  #nextMs = FIRST_LOOK_MS;
  #pauseMs = PAUSE_MS.least;
  #hasLooked = false;
  #againMs: number | null = null;
  #msPerMb: number | null = null;

  constructor(options: IdleLooksOptions) {
    this.#options = options;
  }

  /** To be called when the thread's samplers have been read. */
  consider(): void {
    const { look, now, isOff } = this.#options;
    const t = now();
    if (isOff()) return;
    if (this.#againMs !== null) {
      if (t < this.#againMs) return;
      this.#againMs = null;
      void look.take();
    } else if (t >= this.#nextMs && this.#idles() && !this.#isFollowed(t) && this.#predictedMs() <= MAX_PAUSE_MS) {
      this.#hasLooked = true;
      this.#againMs = t + AGAIN_MS;
      this.#nextMs = t + this.#pauseMs;
      this.#pauseMs = Math.min(PAUSE_MS.most, this.#pauseMs * 2);
      void look.take(true);
    }
  }

  /** What the look into the heap took. */
  measured(pauseMs: number): void {
    const heapMb = this.#heapMb();
    if (heapMb > 0) this.#msPerMb = pauseMs / heapMb;
  }

  #idles(): boolean {
    const last = this.#options.rows('event-loop-utilization').slice(-IDLE_ROWS);
    return last.length === IDLE_ROWS && last.every(({ utilization }) => utilization < IDLE_UTILIZATION);
  }

  #isFollowed(t: number): boolean {
    const last = this.#options.rows('unfinished').at(-1);
    // What began at the start may have begun before anything was followed.
    if (!this.#hasLooked) return false;
    return (
      last !== undefined && t - last.t < FOLLOWED_MS && last.trackedMs > t / 2 && (last.seenShare ?? 1) > MOST_SHARE
    );
  }

  #predictedMs(): number {
    this.#msPerMb ??= MS_PER_MB * machineFactor(this.#options.speedMs ?? speedMs);
    return this.#heapMb() * this.#msPerMb;
  }

  /** The old generation: most of the young one is garbage, and V8 does not go through the others. */
  #heapMb(): number {
    const spaces = this.#options.rows('memory').at(-1)?.spaces;
    return spaces ? ((spaces.old_space ?? 0) + (spaces.large_object_space ?? 0)) / 1e6 : Number.POSITIVE_INFINITY;
  }
}

function machineFactor(measure: () => number): number {
  return Math.min(FACTOR.most, Math.max(FACTOR.least, measure() / REFERENCE_MS));
}

/** What making some objects takes this thread at best. */
function speedMs(): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 10; batch++) {
    const from = performance.now();
    const made: { id: number; before: unknown }[] = [];
    for (let id = 0; id < 2000; id++) made.push({ id, before: made[id - 1] });
    bestMs = Math.min(bestMs, performance.now() - from);
  }
  return bestMs;
}
