/** What the detectors of a busy loop share: which seconds were busy, and what a deep sample saw filling them. */

import { type CreatedResources, type DeepSampleRow, type RowOf, rowsOf, type View } from '../recording/types.ts';
import { firstIndex, maxOf } from '../util/numbers.ts';
import { formatMs } from '../util/text.ts';
import { EVENTS_PER_TURN, MANY_TIMERS, NEAR_READING_MS } from './limits.ts';
import { functionsOf } from './sampled-frames.ts';
import type { NoData } from './types.ts';

/** What `secondsOf` joins. */
export const SECOND_ROWS = ['active-resources', 'cpu', 'event-loop-delay', 'event-loop-utilization', 'gc'] as const;
/** Rows that show what fills a busy loop. */
export const FILLING_ROWS = ['active-resources', 'deep-sample', 'loop-turns'] as const;
type FillingView = View<(typeof FILLING_ROWS)[number]>;

/** Start-up is not judged: it loads modules and compiles. */
const STARTUP_MS = 1000;
/** The loop was busy all the time that it had a core, and it had one for a good part of the second. */
const BUSY_UTILIZATION = 0.88;
/** Share of the second: with less of a core, utilization says more about the host than about the loop. */
const LEAST_OWN_SHARE = 0.45;
/** CPU time and utilization are read at different moments, and the kernel's own work is in no thread's CPU time. */
const CPU_SLACK = 1.1;
/** Rows of one second are read within this time of each other. */
const SAME_SECOND_MS = 600;

/** One second of a thread, with the rows of the samplers joined; what is not known is null. */
export interface Second {
  t: number;
  intervalMs: number;
  /** Of the loop, without the time that the thread waited for a core, and no more than it ran, 0..1. */
  ownShare: number;
  /** Mean time between two turns of the loop, without the time the thread waited for a core. */
  meanDelayMs: number | null;
  /** CPU time of the thread as a share of the second. */
  cpuShare: number | null;
  /** Share of the second that the thread waited for a core. */
  queueShare: number;
  /** In collections, as far as the thread ran: if V8's helper threads have no cores, it waits for them. */
  gcShare: number;
  /** Collections within it, as far as they were counted. */
  gcCount: number;
  /** The longest collection, as if all waits for a core had been within it. */
  gcMaxMs: number;
  /** Servers, sockets and timers that had to wait, as last counted. */
  waiting: number;
  busy: boolean;
}

export function secondsOf(recording: View<(typeof SECOND_ROWS)[number]>): Second[] {
  const delays = rowsOf(recording, 'event-loop-delay');
  const cpus = rowsOf(recording, 'cpu');
  // The first one covers the start, whatever the second it is read in covers.
  const gcs = rowsOf(recording, 'gc').filter(
    ({ t, observedMs = 1000 }) => t - observedMs >= STARTUP_MS - SAME_SECOND_MS / 2,
  );
  const hasClock = cpus.some(({ mainThreadMs }) => mainThreadMs !== null);
  const resources = rowsOf(recording, 'active-resources');
  return rowsOf(recording, 'event-loop-utilization')
    .filter(({ t, activeMs, idleMs }) => t - activeMs - idleMs >= STARTUP_MS - SAME_SECOND_MS / 2)
    .map((row) => {
      const { t } = row;
      const intervalMs = row.activeMs + row.idleMs;
      const cpu = ranWithin(cpus, t - intervalMs, t) ?? nearest(cpus, t);
      const queueShare = Math.min(1, shareOf(cpu?.runQueueMs ?? 0, cpu?.intervalMs ?? 0));
      const cpuShare = cpu?.mainThreadMs == null ? null : shareOf(cpu.mainThreadMs, cpu.intervalMs);
      const running = cpuShare === null ? 1 : Math.min(1, cpuShare / Math.max(row.utilization, 0.01));
      // If the clock is read at all, an interval without a reading proves nothing.
      const isUnknown = hasClock && !cpu;
      const ranShare = isUnknown ? 0 : Math.min(1 - queueShare, running);
      const ran = cpu && cpu.intervalMs > 0 && cpuShare !== null ? cpuShare * CPU_SLACK : isUnknown ? 0 : 1;
      const ownShare = Math.max(0, Math.min(row.utilization - queueShare, ran));
      const available = Math.max(0.01, 1 - queueShare);
      const delay = nearest(delays, t);
      const gc = nearest(gcs, t);
      return {
        t,
        intervalMs,
        ownShare,
        meanDelayMs: delay ? delay.meanMs * (1 - queueShare) : null,
        cpuShare,
        queueShare,
        gcShare: gc ? Math.min(1, gc.totalMs / Math.max(gc.observedMs ?? 1000, 1)) * ranShare : 0,
        gcCount: gc?.count ?? 0,
        gcMaxMs: gc && !isUnknown ? Math.max(0, Math.min(gc.maxMs * running, gc.maxMs - (cpu?.runQueueMs ?? 0))) : 0,
        waiting: nearest(resources, t)?.waiting ?? 0,
        busy: ownShare / available >= BUSY_UTILIZATION && ownShare >= LEAST_OWN_SHARE,
      };
    });
}

/** One call that long fills a second by itself, and blocked-event-loop reports it. */
const LONG_CALL_MS = 1000;

/** Without those that one long call fills: they say nothing about many short ones. */
export function withoutLongCalls(seconds: readonly Second[], recording: View<'stall'>): Second[] {
  const long = rowsOf(recording, 'stall')
    .filter(({ chain, durationMs }) => durationMs >= LONG_CALL_MS && chain !== 'callbacks')
    .sort((a, b) => a.startMs - b.startMs);
  let first = 0;
  return seconds.filter(({ t, intervalMs }) => {
    const fromMs = t - intervalMs;
    while (first < long.length && long[first]!.startMs + long[first]!.durationMs <= fromMs) first++;
    let filledMs = 0;
    for (let i = first; i < long.length && long[i]!.startMs < t; i++) {
      const { startMs, durationMs } = long[i]!;
      filledMs += Math.min(t, startMs + durationMs) - Math.max(fromMs, startMs);
    }
    return filledMs < intervalMs / 2;
  });
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** If no time passed, nothing was counted. */
export function perSecond(count: number, ms: number): number {
  return shareOf(count, ms) * 1000;
}

/** A blocked loop is read late, and the clock of its thread at another moment: how long it ran in that time, according to the rows. */
function ranWithin(
  rows: readonly RowOf<'cpu'>[],
  fromMs: number,
  toMs: number,
): Pick<RowOf<'cpu'>, 'intervalMs' | 'mainThreadMs' | 'runQueueMs'> | null {
  let [intervalMs, mainThreadMs, runQueueMs] = [0, 0, 0];
  for (let i = firstAfter(rows, fromMs); i < rows.length; i++) {
    const row = rows[i]!;
    const beganMs = row.t - row.intervalMs;
    if (beganMs >= toMs) break;
    const overlapMs = Math.min(row.t, toMs) - Math.max(beganMs, fromMs);
    if (overlapMs <= 0 || row.mainThreadMs === null || row.runQueueMs === null) continue;
    intervalMs += overlapMs;
    mainThreadMs += (row.mainThreadMs * overlapMs) / row.intervalMs;
    runQueueMs += (row.runQueueMs * overlapMs) / row.intervalMs;
  }
  return intervalMs >= (toMs - fromMs) / 2 ? { intervalMs, mainThreadMs, runQueueMs } : null;
}

/** The index of the first row later than that. */
function firstAfter(rows: readonly { t: number }[], t: number): number {
  return firstIndex(rows.length, (i) => rows[i]!.t > t);
}

function nearest<R extends { t: number }>(rows: readonly R[], t: number): R | null {
  const from = firstIndex(rows.length, (i) => rows[i]!.t >= t);
  const [before, after] = [rows[from - 1], rows[from]];
  const best = !before || (after && after.t - t < t - before.t) ? after : before;
  return best && Math.abs(best.t - t) <= SAME_SECOND_MS ? best : null;
}

export function sumOf(seconds: readonly Second[], value: (second: Second) => number | null): number {
  return seconds.reduce((sum, second) => sum + (value(second) ?? 0) * second.intervalMs, 0);
}

/** Weighted by time; null if no second has a value. */
export function meanOf(seconds: readonly Second[], value: (second: Second) => number | null): number | null {
  const known = seconds.filter((second) => value(second) !== null);
  const ms = known.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
  return ms > 0 ? sumOf(known, value) / ms : null;
}

export function totalMs(seconds: readonly Second[]): number {
  return seconds.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
}

/** If nothing waits, it is a batch job, or a server that is not up yet; waiting in this share of the seconds is enough to be more. */
const SERVED_MS = 2000;

/** Whether servers, sockets or timers waited during seconds like these. */
export function isServed(seconds: readonly Second[]): boolean {
  return totalMs(seconds.filter(({ waiting }) => waiting > 0)) >= SERVED_MS;
}

/** Servers, sockets and timers that had to wait: as deep samples saw them, or as last counted. */
export function waitingIn(recording: View<'active-resources'>, deepSamples: readonly DeepSampleRow[] = []): number {
  const seen = deepSamples.map(({ waiting }) => waiting).filter((waiting) => waiting !== null);
  if (seen.length > 0) return maxOf(seen);
  return maxOf(rowsOf(recording, 'active-resources').map(({ waiting }) => waiting ?? 0));
}

/* ---- what a deep sample saw ---- */

/** What fills a busy loop. */
export type Filling = 'timers' | 'awaits' | 'polling' | 'computation' | 'callbacks';

/** A deep sample with fewer busy stacks than this says little. */
const MIN_BUSY_SAMPLES = 10;
/** The loop was busy in this share of the deep sample. */
const BUSY_STACKS_SHARE = 0.5;
/** Made in a second: more than one for each connection of a large server. */
export const STORM_TIMERS_PER_SECOND = 5000;
/** A promise per microsecond of CPU: then switching is most of what is done (an await alone takes 0.1–0.3 µs). */
export const CHURN_PROMISES_PER_MS = 1000;
/** Turns of the loop a second, each with next to nothing in it: 50 µs is the cost of a few empty turns. */
export const EMPTY_TURNS_PER_SECOND = 20_000;
/** Pairs of stacks some 5 ms apart that are of one callback: from 7 ms per callback on. */
const LONG_CALLBACK_PAIRS = 0.3;
/** With fewer pairs, callbacks count as short. */
const MIN_PAIRS = 8;
/** One function with this share of the stacks is the computation. */
const ONE_FUNCTION = 0.5;

export function fillingOf(deepSample: DeepSampleRow, recording: FillingView): Filling | null {
  if (deepSample.busySamples < MIN_BUSY_SAMPLES || deepSample.busySamples < deepSample.samples * BUSY_STACKS_SHARE)
    return null;
  if (isTimerStorm(deepSample, recording)) return 'timers';
  const { created } = deepSample;
  if (created && created.cpuMs > 0 && created.promises / created.cpuMs >= CHURN_PROMISES_PER_MS) return 'awaits';
  if (turnsPerSecond(deepSample, recording) >= EMPTY_TURNS_PER_SECOND) return 'polling';
  const longPairs = deepSample.pairs >= MIN_PAIRS ? 1 - deepSample.turnedPairs / deepSample.pairs : 0;
  const [hottest] = functionsOf(deepSample);
  return longPairs >= LONG_CALLBACK_PAIRS && (hottest?.share ?? 0) >= ONE_FUNCTION ? 'computation' : 'callbacks';
}

export function isTimerStorm(deepSample: DeepSampleRow, recording: View<'active-resources'>): boolean {
  const timers = resource(deepSample, 'Timeout');
  if (!timers || !deepSample.created) return false;
  const from = deepSample.startMs - NEAR_READING_MS;
  const to = deepSample.startMs + deepSample.durationMs + NEAR_READING_MS;
  const near = rowsOf(recording, 'active-resources').filter(({ t }) => t >= from && t <= to);
  const made = perSecond(timers.count, deepSample.created.wallMs);
  return made >= STORM_TIMERS_PER_SECOND && near.some(({ counts }) => (counts.Timeout ?? 0) >= MANY_TIMERS);
}

export function resource(deepSample: DeepSampleRow, type: string): CreatedResources | null {
  return deepSample.created?.resources.find((entry) => entry.type === type) ?? null;
}

/** How often the loop turned without events around a deep sample; 0 if turns had events, or are not known. */
export function turnsPerSecond(deepSample: DeepSampleRow, recording: View<'loop-turns'>): number {
  const row = nearestTo(rowsOf(recording, 'loop-turns'), deepSample);
  if (!row || row.events > row.turns * EVENTS_PER_TURN) return 0;
  return perSecond(row.turns, row.intervalMs);
}

function nearestTo<R extends { t: number }>(rows: readonly R[], { startMs, durationMs }: DeepSampleRow): R | null {
  const middle = startMs + durationMs / 2;
  return rows.reduce<R | null>(
    (best, row) => (!best || distance(row, middle) < distance(best, middle) ? row : best),
    null,
  );
}

function distance({ t }: { t: number }, to: number): number {
  return Math.abs(t - to);
}

/** For a busy loop that fits no rule: nothing to report if its stacks were seen, no data if not. */
export function unseen(recording: View<'deep-sample'>, busyMs: number): [] | NoData {
  const isSeen = rowsOf(recording, 'deep-sample').some(({ busySamples }) => busySamples > 0);
  return isSeen ? [] : { noData: `busy for ${formatMs(busyMs)}, but no deep sample of that was taken` };
}

/** The deep samples whose busy time was filled in one way. */
export function samplesFilledWith(filling: Filling, recording: FillingView): RowOf<'deep-sample'>[] {
  return rowsOf(recording, 'deep-sample').filter((deepSample) => fillingOf(deepSample, recording) === filling);
}
