/** Whether more begins at a place than ends there, so that all of it takes longer and longer. */

import { rowsOf, type View } from '../recording/types.ts';
import { countsOf, GROWN_CALLS, isFollowed, WARM_UP_MS } from './growth.ts';
import { GROWN_SHARE, RISING_SHARE } from './limits.ts';
import { percent, secondsText } from './severity.ts';
import type { Place, Reading } from './unfinished.ts';

/** What began longer ago does not count; a ramp of load is over sooner. */
const WINDOW_MS = 30_000;
/** Three rows, which come every 2 s, a little early. */
const LEAST_MS = 5500;
/** Two at each end, so that one odd row does not decide. */
const LEAST_READINGS = 4;
/** The oldest waits longer than people do, and twice as long as at first; so does the quickest that ends. */
const OLDEST_MS = 3000;
/** A load that comes and goes makes calls slower by less than this. */
const SLOWER_RATIO = 2;
/** Runs of one job. */
const RUNS = 4;
/** The oldest run: jobs that people schedule run by the second, while short calls come in such numbers at any time. */
const OLDEST_RUN_MS = 1000;
/** The slowest of the last runs compared with that of the first: a job whose work does not grow varies by less. */
const RUNS_SLOWER_RATIO = 1.5;
/** Starts follow a schedule if each row has at most one more or less than a schedule would make, and half a one for lateness. */
const UNEVEN_STARTS = 1.5;
/** Rows that have to be even: a few are by chance, six rarely. */
const SCHEDULED_READINGS = 6;
/** Runs that overlap steadily: fewer in a row may be chance. */
const STEADY_RUNS = 8;
/** People schedule jobs by the second; what comes more often is a call. */
const STEADY_EVERY_MS = 800;
/** Rows of so many periods hold one start, or two of which one is late. */
const SHORT_PERIODS = 1.5;
/** How long each takes, in periods: more than what a late timer adds, and less than two, which are two at a time. */
const STEADY_RATIO = { least: 1.15, most: 1.9 } as const;
/** Share of the time that the thread could have run, but waited for a core: then the host may be slow. */
const CONTENDED_SHARE = 0.5;
/** Less of all the time delays nothing by seconds. */
const WAITED_SHARE = 0.1;

export const BACKLOG_THRESHOLD = `backlog: ${GROWN_CALLS} calls, growing in ${percent(RISING_SHARE)} of the rows over ${secondsText(LEAST_MS)}, while others end all the time, the oldest waits ${secondsText(OLDEST_MS)} and even the quickest takes ${SLOWER_RATIO} times as long as before.`;
export const RUNS_THRESHOLD = `runs: ${RUNS} runs of what starts by a schedule, more and more of them, the oldest under way for ${secondsText(OLDEST_RUN_MS)}, the slowest taking ${RUNS_SLOWER_RATIO} times as long as at first. Or each of ${STEADY_RUNS} runs takes ${STEADY_RATIO.least} to ${STEADY_RATIO.most} times the period, which is ${secondsText(STEADY_EVERY_MS)} at least.`;

export interface Backlog {
  alive: number;
  grown: number;
  oldestMs: number;
  spanMs: number;
  createdPerSecond: number;
  endedPerSecond: number;
  /** The quickest that ended, at first and now, ms. */
  quickestMs: { first: number; last: number };
}

/** Alive and oldest rise, calls end all the time, and even the quickest takes longer; null otherwise. */
export function backlogOf(place: Place): Backlog | null {
  const window = windowOf(place);
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last || window.length < LEAST_READINGS || last.t - first.t < LEAST_MS) return null;
  const { alive, oldestMs } = last.entry;
  const counts = countsOf(window, GROWN_CALLS).find((all) => risingShare(all) >= RISING_SHARE);
  const grown = counts ? counts.at(-1)! - counts[0]! : 0;
  const quickestMs = quickest(window);
  const isSlower = quickestMs !== null && quickestMs.last >= quickestMs.first * SLOWER_RATIO;
  const isOlder = oldestMs >= OLDEST_MS && oldestMs >= first.entry.oldestMs * SLOWER_RATIO;
  if (
    !isFollowed(last, GROWN_CALLS) ||
    alive < GROWN_CALLS ||
    !counts ||
    grown < counts.at(-1)! * GROWN_SHARE ||
    !isSlower ||
    !isOlder
  )
    return null;
  const seconds = (last.t - first.t) / 1000;
  return {
    ...{ alive, grown, oldestMs, quickestMs },
    spanMs: last.t - first.t,
    createdPerSecond: (last.entry.created - first.entry.created) / seconds,
    endedPerSecond: (last.entry.ended - first.entry.ended) / seconds,
  };
}

/** Of the calls that ended in each row, the quickest: in the first rows and in the last ones. */
function quickest(window: readonly Reading[]): Backlog['quickestMs'] | null {
  const known = window.flatMap(({ entry: { endedLeastMs } }) => (endedLeastMs == null ? [] : [endedLeastMs]));
  if (known.length < LEAST_READINGS) return null;
  const part = Math.ceil(known.length / 3);
  // A quick one among the last shows that it need not take long; a slow one among the first shows nothing.
  return { first: Math.min(...known.slice(0, part)), last: Math.min(...known.slice(-part)) };
}

export interface Overlap {
  alive: number;
  everyMs: number;
  oldestMs: number;
  spanMs: number;
}

/** Runs that start on a schedule, of which more and more are in progress; null otherwise. */
export function overlapOf(place: Place): Overlap | null {
  const window = windowOf(place).filter(isExact);
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last || window.length < SCHEDULED_READINGS) return null;
  // Of what starts in a pause nothing is known.
  if (last.pauses > first.pauses) return null;
  // Whoever asks from outside may do so evenly; at the end of a program they are gone, and what they asked for is not yet.
  if (window.some(({ inbound }) => inbound > 0)) return null;
  const { alive, oldestMs } = last.entry;
  const created = last.entry.created - first.entry.created;
  const ended = last.entry.ended - first.entry.ended;
  const spanMs = last.t - first.t;
  if (alive < RUNS || oldestMs < OLDEST_RUN_MS || created === 0 || ended === 0 || !startsEvenly(window)) return null;
  const everyMs = spanMs / created;
  const slowest = window.flatMap(({ entry: { endedMaxMs } }) => endedMaxMs ?? []);
  const isSlower = slowest.at(-1)! >= slowest[0]! * RUNS_SLOWER_RATIO && slowest[0]! >= everyMs;
  const isMore =
    alive >= first.entry.alive + RUNS / 2 &&
    risingShare(
      window.map(({ entry }) => entry.alive),
      true,
    ) >= RISING_SHARE;
  return isSlower && isMore && ended < created ? { alive, everyMs, oldestMs, spanMs } : null;
}

export interface SteadyOverlap {
  everyMs: number;
  /** Of the quickest runs, the usual one. */
  runMs: number;
  oldestMs: number;
  spanMs: number;
  runs: number;
}

/**
 * Runs that start on a schedule and each take somewhat longer than its period, so that the next one always begins before: a job that grew.
 * Whoever lets several run at once on purpose has round numbers of them, starts several together, or waits until one has ended. Null otherwise.
 */
export function steadyOverlapOf({ readings, last }: Place): SteadyOverlap | null {
  const warm = readings.filter(({ trackedMs }) => trackedMs >= WARM_UP_MS);
  const from = warm.findLastIndex(({ entry }) => last.entry.created - entry.created >= STEADY_RUNS);
  const window = warm.slice(Math.max(0, from));
  const first = window[0];
  if (from < 0 || !first || last.pauses > first.pauses || !window.every(isExact)) return null;
  if (window.some(({ inbound, entry }) => inbound > 0 || entry.alive > 2) || !startsEvenly(window)) return null;
  const spanMs = last.trackedMs - first.trackedMs;
  const runs = last.entry.created - first.entry.created;
  const everyMs = spanMs / runs;
  const quickest = window.flatMap(({ entry: { endedLeastMs } }) => (endedLeastMs == null ? [] : [endedLeastMs]));
  const runMs = quickest.toSorted((a, b) => a - b)[Math.floor(quickest.length / 2)] ?? 0;
  const isLonger = quickest.length >= SCHEDULED_READINGS && quickest.every((ms) => ms >= everyMs * STEADY_RATIO.least);
  if (everyMs < STEADY_EVERY_MS || !isLonger || runMs > everyMs * STEADY_RATIO.most || !startsOneByOne(window, everyMs))
    return null;
  return { everyMs, runMs, oldestMs: last.entry.oldestMs, spanMs, runs };
}

/** Rows that are no longer than a period have at most one start each, but for a late one. */
function startsOneByOne(window: readonly Reading[], everyMs: number): boolean {
  const steps = window.slice(1).map(({ trackedMs, entry }, i) => {
    const before = window[i]!;
    return { starts: entry.created - before.entry.created, periods: (trackedMs - before.trackedMs) / everyMs };
  });
  const short = steps.filter(({ periods }) => periods <= SHORT_PERIODS);
  const single = short.filter(({ starts }) => starts <= 1);
  // Of longer rows nothing is seen but how many run at a time: one now and then, which two at a time would hardly show.
  if (short.length < steps.length / 2)
    return window.filter(({ entry }) => entry.alive === 1).length >= window.length / 4;
  return single.length >= short.length * RISING_SHARE;
}

/**
 * In a burst one is followed and stands for several, which is no count. What waits for longer is followed soon after, and the count
 * is put right.
 */
function isExact({ entry: { alive, followed = alive } }: Reading): boolean {
  return followed >= alive;
}

/** As many in each row as its length implies; by the thread's own clock, as a busy host delays whoever writes the row. */
function startsEvenly(window: readonly Reading[]): boolean {
  const [first, last] = [window[0]!, window.at(-1)!];
  const perMs = (last.entry.created - first.entry.created) / (last.trackedMs - first.trackedMs);
  return window.slice(1).every(({ trackedMs, entry }, i) => {
    const before = window[i]!;
    const expected = perMs * (trackedMs - before.trackedMs);
    return Math.abs(entry.created - before.entry.created - expected) <= UNEVEN_STARTS;
  });
}

function windowOf({ readings, last }: Place): Reading[] {
  return readings.filter(({ t, trackedMs }) => trackedMs >= WARM_UP_MS && t >= last.t - WINDOW_MS);
}

function risingShare(counts: readonly number[], orSame = false): number {
  const rises = counts.slice(1).filter((count, i) => (orSame ? count >= counts[i]! : count > counts[i]!));
  return rises.length / (counts.length - 1);
}

/** The host was so busy in the last `ms` that it may be the slow part. */
export function isContended(recording: View<'cpu'>, ms: number): boolean {
  const rows = rowsOf(recording, 'cpu');
  const from = (rows.at(-1)?.t ?? 0) - ms;
  let ranMs = 0;
  let waitedMs = 0;
  for (const { t, mainThreadMs, runQueueMs } of rows) {
    if (t < from || mainThreadMs === null || runQueueMs === null) continue;
    ranMs += mainThreadMs;
    waitedMs += runQueueMs;
  }
  return waitedMs > CONTENDED_SHARE * (ranMs + waitedMs) && waitedMs > WAITED_SHARE * ms;
}
