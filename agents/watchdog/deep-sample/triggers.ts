import { afterCollections, growthOfBytes } from '../../../src/detectors/heap-growth.ts';
import { EVENTS_PER_TURN, MANY_TIMERS, NEAR_READING_MS, POLL_TURNS_PER_SECOND } from '../../../src/detectors/limits.ts';
import type { Level, RowOf, RowType, TriggerReason } from '../../../src/recording/types.ts';
import { median } from '../../../src/util/numbers.ts';

/** The knee of the latency curve is near 70 % utilization; two seconds of it are no burst. */
const BUSY_UTILIZATION = 0.7;
const BUSY_ROWS = 2;
/** Half of what JMC calls a warning (10 %), so that the deep sample exists when the share gets there. */
const GC_SHARE = 0.05;
/** Less than this is start-up, or noise. */
const GC_MS = 25;
const GC_OBSERVED_MS = 50;
/** For the delay's p99: relative to the program's usual one, and in ms that a user would notice. */
const LATENCY_FACTOR = 4;
const LATENCY_MS = 40;
const LATENCY_ROWS = 8;

/** For resources that keep the process alive: this many more than half a minute before, and half as many again. */
const MORE_RESOURCES = 30;
const RESOURCES_FACTOR = 1.5;
/** For the heap after collections, taken as the least of ten seconds: it grew in each of three such windows. */
const HEAP_WINDOWS = 4;
const HEAP_GROWTH_BYTES = 1e6;
const HEAP_FACTOR = 1.02;
/** Of time, not of rows: on a busy host they come late. */
const WINDOW_MS = 10_000;
/** Fewer in one are no low point. */
const WINDOW_READINGS = 3;
/** With this many collections in a window, the young generation holds 16 MB or more, nearly all garbage; a leak is in the old one by then. */
const CHURN_COLLECTIONS = 10;

export interface FiredTrigger {
  reason: TriggerReason;
  value: number;
  limit: number;
}

type Rows = <T extends RowType>(type: T) => readonly RowOf<T>[];

/** The triggers that the cheap figures of the last second or two fire. */
export function firedTriggers(rows: Rows, level: Level): FiredTrigger[] {
  const found: FiredTrigger[] =
    level === 'diagnose' || isSmall(rows) ? [{ reason: 'routine', value: 0, limit: 0 }] : [];
  const check = (reason: TriggerReason, value: number | null, limit: number): void => {
    if (value !== null && value >= limit) found.push({ reason, value, limit });
  };
  check('utilization', sustainedUtilization(rows('event-loop-utilization')), BUSY_UTILIZATION);
  check('gc', gcShare(rows('gc'), rows('memory')), GC_SHARE);
  check('heap', heapGrowth(rows('memory'), rows('gc')) ?? grownBytes(rows('gc')), HEAP_GROWTH_BYTES);
  check('resources', moreResources(rows('active-resources')), MORE_RESOURCES);
  check('timers', rows('active-resources').at(-1)?.counts.Timeout ?? null, MANY_TIMERS);
  check('polling', emptyTurns(rows('loop-turns').at(-1)), POLL_TURNS_PER_SECOND);
  const usualMs = usualLatency(rows('event-loop-delay'));
  const latencyMs = rows('event-loop-delay').at(-1)?.p99Ms ?? null;
  check('latency', usualMs === null ? null : latencyMs, Math.max(LATENCY_MS, LATENCY_FACTOR * (usualMs ?? 0)));
  return found;
}

/** The thread has time to spare, and the budget is enough to follow all of it: then a look is, too. */
function isSmall(rows: Rows): boolean {
  const last = rows('unfinished').at(-1);
  const utilization = rows('event-loop-utilization').at(-1)?.utilization ?? 1;
  return last !== undefined && last.pauses === 0 && utilization < BUSY_UTILIZATION;
}

/** Bytes by which the least heap of each window grew on average, if it grew in all of them. */
function heapGrowth(all: readonly RowOf<'memory'>[], gc: readonly RowOf<'gc'>[]): number | null {
  const sinceMs = (all.at(-1)?.t ?? 0) - HEAP_WINDOWS * WINDOW_MS;
  const rows = all.filter(({ t }) => t > sinceMs);
  const fromMs = rows[0]?.t ?? 0;
  const collections = gc.reduce((sum, { t, count }) => sum + (t >= fromMs ? count : 0), 0);
  const churns = collections >= HEAP_WINDOWS * CHURN_COLLECTIONS;
  const least = leastOfWindows(
    rows.map((row) => ({ t: row.t, value: row.heapUsedBytes - (churns ? youngBytes(row) : 0) })),
  );
  if (least.length < HEAP_WINDOWS) return null;
  const recent = least.slice(-HEAP_WINDOWS);
  if (recent.some((bytes, i) => i > 0 && bytes < recent[i - 1]! * HEAP_FACTOR)) return null;
  return (recent.at(-1)! - recent[0]!) / (HEAP_WINDOWS - 1);
}

function youngBytes({ spaces }: RowOf<'memory'>): number {
  return (spaces.new_space ?? 0) + (spaces.new_large_object_space ?? 0);
}

/** From one major collection to the next, if there are enough of them: earlier and more certain than by windows. */
function grownBytes(rows: readonly RowOf<'gc'>[]): number | null {
  const growths = (['oldBytes', 'externalBytes'] as const).map((kind) => growthOfBytes(afterCollections(rows, kind)));
  const grown = growths.map((growth) => (growth ? growth.toBytes - growth.fromBytes : 0));
  return Math.max(...grown) || null;
}

function moreResources(rows: readonly RowOf<'active-resources'>[]): number | null {
  const least = leastOfWindows(rows.map(({ t, total }) => ({ t, value: total })));
  if (least.length < HEAP_WINDOWS || least.some((total, i) => i > 0 && total <= least[i - 1]!)) return null;
  return least.at(-1)! >= least[0]! * RESOURCES_FACTOR ? least.at(-1)! - least[0]! : null;
}

/** Whole windows, counted from the last row. */
function leastOfWindows(readings: readonly { t: number; value: number }[]): number[] {
  const windows: number[] = [];
  const [first, last] = [readings[0], readings.at(-1)];
  for (let toMs = last?.t ?? 0; first && windows.length < HEAP_WINDOWS; toMs -= WINDOW_MS) {
    const values = readings.filter(({ t }) => t > toMs - WINDOW_MS && t <= toMs).map(({ value }) => value);
    if (first.t > toMs - WINDOW_MS + NEAR_READING_MS || values.length < WINDOW_READINGS) break;
    windows.unshift(Math.min(...values));
  }
  return windows;
}

function sustainedUtilization(rows: readonly RowOf<'event-loop-utilization'>[]): number | null {
  if (rows.length < BUSY_ROWS) return null;
  return Math.min(...rows.slice(-BUSY_ROWS).map(({ utilization }) => utilization));
}

/** Only of the last reading: a second without collections has no row. */
function gcShare(gc: readonly RowOf<'gc'>[], memory: readonly RowOf<'memory'>[]): number | null {
  const last = gc.at(-1);
  if (
    !last?.observedMs ||
    last.observedMs < GC_OBSERVED_MS ||
    last.totalMs < GC_MS ||
    last.t < (memory.at(-1)?.t ?? 0) - 10
  )
    return null;
  return last.totalMs / last.observedMs;
}

/** Turns a second, if few of them had an event to serve. */
function emptyTurns(row: RowOf<'loop-turns'> | undefined): number | null {
  if (!row || row.events > row.turns * EVENTS_PER_TURN) return null;
  return (row.turns / row.intervalMs) * 1000;
}

function usualLatency(rows: readonly RowOf<'event-loop-delay'>[]): number | null {
  if (rows.length < LATENCY_ROWS) return null;
  return median(
    rows.slice(-60).map(({ p99Ms }) => p99Ms),
    null,
  );
}
