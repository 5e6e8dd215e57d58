import { HEARTBEAT_MS, Sum, Word } from '../../shared-memory.ts';
import { createBeatClock } from './beat-clock.ts';
import { askForStack, createOpenStall, type OpenStall, readMark } from './open-stall.ts';
import { ownLateMs } from './own-lateness.ts';
import { reportStall } from './report-stall.ts';
import { type EndedStall, stallRow } from './stall-row.ts';
import { StallClocks } from './stall-times.ts';
import type { StallWatchOptions } from './types.ts';

/** Stacks are taken from this share of the threshold on, so that the place is known when the threshold is crossed. */
const CAPTURE_SHARE = 0.5;
/** PerformanceObserver reports collections one loop turn after the stall: the row waits for it. */
const SETTLE_MS = 40;
/** What has not been answered by then is left out: the thread is blocked again. */
const ANSWER_MS = 1000;

/**
 * Finds stalls of an observed thread where the heartbeat stops, and explains them while they last.
 *
 * Idle in poll is never a stall: the heartbeat is a libuv timer that fires there too.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #clock;
  readonly #times;
  #lastCount: number;
  /** The loop has turned; until then, the gap began with the process. */
  #started: boolean;
  #lastBeatAt: number;
  #lastTickAt: number;
  #beatGcMs = 0;
  #longestGapMs = 0;
  /** How late this thread was at most since it noticed a beat, and up to then since the beat before. */
  #lateMs = 0;
  #lateBefore = 0;
  /** The longest delay since the histogram was reset that has been examined. */
  #longestReported = 0;
  #nextId = 1;
  #open: OpenStall | null = null;
  #closing: EndedStall[] = [];

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#clock = createBeatClock(options.histogram, HEARTBEAT_MS);
    this.#times = new StallClocks(options.thread);
    this.#lastCount = options.histogram.count;
    // The loop may have turned before this thread was up.
    this.#started = this.#lastCount > 0 || options.attached === true;
    this.#lastBeatAt = this.#started ? options.now() : 0;
    this.#lastTickAt = this.#lastBeatAt;
    // A gap that began with the process is measured only from now on: the readings count for all of it.
    this.#times.beat(options.now());
  }

  /** To be called every `tickMs`. */
  tick(now: number, tickMs: number): void {
    const elapsedMs = now - this.#lastTickAt;
    this.#lastTickAt = now;
    this.#lateMs = Math.max(this.#lateMs, elapsedMs - tickMs);
    const { count } = this.#options.histogram;
    if (count !== this.#lastCount) this.#beat(now, count);
    else this.#noBeat(now, elapsedMs, tickMs);
    if (this.#closing.length > 0) this.#settle(now);
  }

  isOpen(): boolean {
    return this.#open !== null;
  }

  /** How long the loop has not turned; 0 where that is not long. */
  openMs(now: number): number {
    return this.#open ? now - this.#open.startMs : 0;
  }

  /** Runs what resets the histogram. */
  acrossReset(reset: () => void): void {
    this.#clock.sync(this.#lastBeatAt);
    reset();
    this.#longestReported = 0;
    this.#clock.rebase();
    this.#lastCount = this.#options.histogram.count;
  }

  /** The longest gap since it was last asked, ms. */
  heartbeatMaxMs(): number {
    const longest = this.#longestGapMs;
    this.#longestGapMs = 0;
    return longest;
  }

  /** The process ends: a stall that still lasts ends with it. */
  finish(now: number): void {
    if (this.#open) this.#beat(now, this.#lastCount);
    this.#settle(Number.POSITIVE_INFINITY);
  }

  #beat(now: number, count: number): void {
    const { shared, slowMs } = this.#options;
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastBeatAt);
    if (this.#open) this.#end(this.#open, now);
    else if (this.#started && Math.max(this.#lateMs, this.#lateBefore) >= slowMs * CAPTURE_SHARE) this.#addUnseen(now);
    this.#lateBefore = this.#lateMs;
    this.#lateMs = 0;
    this.#started = true;
    this.#lastCount = count;
    this.#lastBeatAt = now;
    this.#times.beat(now);
    this.#beatGcMs = shared.numbers[Sum.GcMs]!;
  }

  #end(stall: OpenStall, now: number): void {
    this.#open = null;
    Atomics.store(this.#options.shared.control, Word.SiteWanted, 0);
    this.#close(stall, now, this.#unseenMs());
    if (this.#closing.length === 0) this.#options.capture.detach('stall');
  }

  /** If this thread itself had no core, it has missed a stall: the histogram has it. */
  #addUnseen(now: number): void {
    const ms = this.#unseenMs();
    if (ms === 0) return;
    const stall = this.#begin(now - ms);
    stall.ownLateMs = this.#lateMs;
    this.#close(stall, now, ms);
  }

  /** The longest delay since the last check, if it is a stall; otherwise 0. */
  #unseenMs(): number {
    const { histogram, slowMs } = this.#options;
    const maxMs = histogram.max / 1e6;
    const isNew = maxMs > this.#longestReported + 1;
    this.#longestReported = Math.max(this.#longestReported, maxMs);
    return isNew && maxMs >= slowMs ? maxMs : 0;
  }

  #begin(startMs: number): OpenStall {
    const known = { id: this.#nextId++, startMs, count: this.#lastCount, lastStackAt: this.#lastBeatAt };
    return createOpenStall(known);
  }

  /** Measures the stall at its end; the row waits for the last answer and for the report of collections. */
  #close(stall: OpenStall, now: number, leastMs: number): void {
    const durationMs = Math.max(leastMs, this.#clock.durationMs(now - stall.startMs));
    if (durationMs < this.#options.slowMs) return;
    this.#closing.push({
      stall,
      endMs: now,
      durationMs,
      times: this.#times.measure(now, durationMs),
      gcAtStart: this.#beatGcMs,
      beforeFirstTurn: !this.#started,
    });
  }

  #settle(now: number): void {
    const { shared, maps, onClose, capture } = this.#options;
    const settled = this.#closing.filter((ended) => this.#isSettled(ended, now));
    for (const ended of settled) {
      const gcMs = Math.min(ended.durationMs, shared.numbers[Sum.GcMs]! - ended.gcAtStart);
      maps.mapped(
        () => stallRow(this.#options, ended, gcMs),
        (row) => {
          if (row) onClose(row);
        },
      );
    }
    this.#closing = this.#closing.filter((ended) => !settled.includes(ended));
    if (this.#closing.length === 0 && !this.#open) capture.detach('stall');
  }

  /** Requests that waited have begun by then, and the thread has named them, if it follows any. */
  #isSettled(ended: EndedStall, now: number): boolean {
    if (now < ended.endMs + SETTLE_MS) return false;
    const { shared, capture, startMonotonicMs, slowMs } = this.#options;
    if (Atomics.load(shared.control, Word.Work) === 0 || now > ended.endMs + ANSWER_MS) return true;
    if (ended.during === undefined) {
      const { stall, endMs, durationMs, times } = ended;
      const isOwn = durationMs - (times.runQueueMs ?? 0) >= slowMs;
      ended.during = null;
      const [fromMs, toMs] = [endMs - durationMs, endMs].map((ms) => startMonotonicMs + ms) as [number, number];
      capture.call('stall', 'workDuring', [fromMs, toMs, stall.work.ids(), isOwn], (during) => {
        ended.during = during;
        ended.isAnswered = true;
      });
    }
    return ended.isAnswered === true;
  }

  #noBeat(now: number, elapsedMs: number, tickMs: number): void {
    const options = this.#options;
    const gap = now - this.#lastBeatAt;
    if (gap < (this.#started ? options.slowMs * CAPTURE_SHARE : options.slowMs)) return;
    const stall = this.#open ?? this.#begin(this.#started ? this.#clock.stop(this.#lastBeatAt) : this.#lastBeatAt);
    if (this.#open) {
      stall.ownLateMs += ownLateMs(elapsedMs, tickMs);
      this.#times.look(elapsedMs);
      readMark(options, stall, elapsedMs);
    } else {
      this.#times.begin(gap);
      // The first reading counts for the whole gap so far.
      readMark(options, stall, gap);
    }
    this.#open = stall;
    const times = () => this.#times.measure(now, gap);
    askForStack(options, stall, { now, gap, times });
    Atomics.store(options.shared.control, Word.SiteWanted, 1);
    reportStall(options, stall, { now, gap, started: this.#started, times });
  }
}
