/** Whether memory grows from collection to collection, compared with the program's load. */

import { type RowOf, rowsOf, type View } from '../recording/types.ts';
import { median } from '../util/numbers.ts';
import { formatBytes, formatMs, plural } from '../util/text.ts';
import { EARLY_RISE, earlyGrowthOf, type HeapGrowth, type MemoryKind } from './early-growth.ts';
import { GOING_ROWS } from './goes-on.ts';
import { WARM_UP_MS } from './growth.ts';
import { MAX_READINGS, NEAR_READING_MS, thinned } from './limits.ts';
import { percent, round, secondsText } from './severity.ts';
import type { Explains } from './types.ts';

/** Rows that show whether memory grows. */
export const HEAP_ROWS = [...GOING_ROWS, 'gc', 'memory'] as const;
type HeapView = View<(typeof HEAP_ROWS)[number]>;

/** With fewer collections a rise cannot be told from noise. */
export const LEAST_COLLECTIONS = 4;
/** A burst of allocations has several collections in a second. */
const LEAST_SPAN_MS = 3000;
/** Memory that grows has no place of its own: it is a symptom of what never ends. A heap near its limit is a separate warning. */
export const KEEPS_MEMORY: readonly Explains[] = [
  { rule: 'growing-heap', kinds: ['old-space'], share: 'nothing', alarm: true },
  { rule: 'growing-external-memory', share: 'nothing', alarm: true },
];

/** For a closer look. */
const RISING_COLLECTIONS = 3;
/** For a closer look: what the start of the program may still add, in bytes and as a share of the heap. */
const RISING_BYTES = 1e6;
/** The same as a share of the heap. */
const RISING_SHARE = 0.03;
/** Share of the pairs of readings whose later one is higher (Kendall's tau of 0.6): more than a sawtooth or chance reaches. */
const RISING_PAIRS = 0.8;
/** The least rise, relative, in bytes, and compared with the scatter around its line. */
const GROWN_SHARE = 0.25;
/** In bytes, for small heaps: what late modules and caches of V8 amount to. */
const GROWN_BYTES = 4e6;
/** Times the median distance of the readings from their line. */
const SCATTER_FACTOR = 3;
/** Share of the rise in the later half: a cache that fills up rises in the first one. */
const LATE_SHARE = 0.2;
/** As much as its scatter without growth. */
const RISEN = 1.01;
/** If load grew by this, and by half as much as memory, memory grew with the load. */
const LOAD_GROWN = 0.3;
/** Of the relative growth of memory. */
const LOAD_SHARE = 0.5;
/** Share of the pairs of readings of the load, which is noisier than the heap. */
const LOAD_RISING_PAIRS = 0.7;

/** Just after a major collection. */
export interface AfterCollection {
  t: number;
  bytes: number;
}

/** The rise that `heapGrowthOf` looks for, in words. */
export const HEAP_RISE = `${percent(GROWN_SHARE)} and ${GROWN_BYTES / 1e6} MB more over at least ${LEAST_COLLECTIONS} major collections after the first ${secondsText(WARM_UP_MS)} and the start, which is over when a server, socket or timer waits, ${percent(RISING_PAIRS)} of their pairs rising, ${percent(LATE_SHARE)} of the rise in the later half, and no such rise of connections and other resources; ${EARLY_RISE}`;

/** How memory grew, as evidence. */
export interface MemoryGrowthEvidence {
  fromBytes: number;
  toBytes: number;
  collections: number;
  observedMs: number;
  perSecondBytes: number;
}

export function memoryGrowthEvidence(growth: HeapGrowth): MemoryGrowthEvidence {
  return {
    fromBytes: Math.round(growth.fromBytes),
    toBytes: Math.round(growth.toBytes),
    collections: growth.collections,
    observedMs: round(growth.spanMs),
    perSecondBytes: Math.round(growth.bytesPerSecond),
  };
}

export function memoryGrowthWords({
  fromBytes,
  toBytes,
  collections,
  observedMs,
  perSecondBytes,
}: MemoryGrowthEvidence): string[] {
  return [
    `${formatBytes(fromBytes)} to ${formatBytes(toBytes)} in ${formatMs(observedMs)}`,
    `over ${plural(collections, 'major collection')}`,
    `${formatBytes(perSecondBytes)} a second`,
  ];
}

export function afterCollections(gcs: readonly RowOf<'gc'>[], kind: MemoryKind): AfterCollection[] {
  return gcs.flatMap(({ t, afterMajor }) => (afterMajor ? [{ t, bytes: afterMajor[kind] }] : []));
}

/** Null if it does not grow for sure, or grows with the load. */
export function heapGrowthOf(recording: HeapView, kind: MemoryKind): HeapGrowth | null {
  const growth = heapRiseOf(recording, kind);
  return growth && !growsWithLoad(recording, growth) ? growth : null;
}

/** Whatever the load: what is leaked counts as load itself if it is a timer or a socket. */
export function heapRiseOf(recording: HeapView, kind: MemoryKind): (HeapGrowth & { fromMs: number }) | null {
  const fromMs = startedAt(recording);
  const later = ({ t }: { t: number }) => t >= fromMs;
  const gcs = rowsOf(recording, 'gc').filter(later);
  const memory = rowsOf(recording, 'memory').filter(later);
  return growthOfBytes(afterCollections(gcs, kind)) ?? earlyGrowthOf(memory, gcs, kind);
}

/** The first time that a server, socket or timer waits: until then modules and data are loaded, which stay. The beginning where none ever does. */
function startedAt(recording: View<'active-resources'>): number {
  return rowsOf(recording, 'active-resources').find(({ waiting }) => (waiting ?? 0) > 0)?.t ?? 0;
}

/** The last collections left more than those before: not enough to judge, but reason for a closer look. */
export function isRising(readings: readonly AfterCollection[]): boolean {
  return hasRisen(floorsOf(readings.filter(({ t }) => t >= WARM_UP_MS)));
}

/** The same without the last one, which may be high by what was allocated during the collection: a later one confirmed each. */
export function isConfirmedRising(readings: readonly AfterCollection[]): boolean {
  return hasRisen(floorsOf(readings.filter(({ t }) => t >= WARM_UP_MS)).slice(0, -1));
}

function hasRisen(floors: AfterCollection[]): boolean {
  const points = floors.slice(-RISING_COLLECTIONS);
  const [first, last] = [points[0], points.at(-1)];
  return (
    points.length === RISING_COLLECTIONS &&
    last!.bytes - first!.bytes >= Math.max(RISING_BYTES, first!.bytes * RISING_SHARE)
  );
}

/** A steady rise over at least four collections after the warm-up: no sawtooth, no plateau. */
export function growthOfBytes(readings: readonly AfterCollection[]): (HeapGrowth & { fromMs: number }) | null {
  const warm = readings.filter(({ t }) => t >= WARM_UP_MS);
  const points = floorsOf(lowestOfStretches(warm));
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < LEAST_COLLECTIONS || last.t - first.t < LEAST_SPAN_MS) return null;
  const slope = median(
    pairs(points, (a, b) => (b.bytes - a.bytes) / (b.t - a.t)),
    0,
  );
  const spanMs = last.t - first.t;
  const rise = slope * spanMs;
  const from = median(
    points.map(({ t, bytes }) => bytes - slope * (t - first.t)),
    0,
  );
  const scatter = median(
    points.map(({ t, bytes }) => Math.abs(bytes - from - slope * (t - first.t))),
    0,
  );
  const grows =
    rise >= Math.max(GROWN_BYTES, from * GROWN_SHARE, scatter * SCATTER_FACTOR) &&
    meanOfAll(pairs(points, (a, b) => (b.bytes > a.bytes * RISEN ? 1 : 0))) >= RISING_PAIRS &&
    lateRise(points, slope) >= rise * LATE_SHARE;
  if (!grows) return null;
  // If it grows faster and faster, the line begins below all readings, even below zero.
  const isBelow = from < first.bytes;
  const fromBytes = isBelow ? first.bytes : from;
  return {
    collections: warm.length,
    fromMs: first.t,
    fromBytes,
    toBytes: isBelow ? last.bytes : from + rise,
    spanMs,
    bytesPerSecond: slope * 1000,
  };
}

/** From the middle of the time to its end, by a line of its own. */
function lateRise(points: readonly AfterCollection[], slope: number): number {
  const from = points[0]!.t;
  const to = points.at(-1)!.t;
  const late = points.filter(({ t }) => t >= (from + to) / 2);
  const lateSlope =
    late.length > 1
      ? median(
          pairs(late, (a, b) => (b.bytes - a.bytes) / (b.t - a.t)),
          0,
        )
      : slope;
  return (lateSlope * (to - from)) / 2;
}

function lowestOfStretches(readings: readonly AfterCollection[]): AfterCollection[] {
  const size = Math.max(1, Math.ceil(readings.length / MAX_READINGS));
  const lowest: AfterCollection[] = [];
  for (let end = readings.length; end > 0; end -= size) {
    const stretch = readings.slice(Math.max(0, end - size), end);
    lowest.unshift(stretch.reduce((low, point) => (point.bytes < low.bytes ? point : low)));
  }
  return lowest;
}

/**
 * No more than at any later time: what was allocated during a concurrent collection counts as alive until the next one,
 * and the minima of a sawtooth are level.
 */
function floorsOf(points: readonly AfterCollection[]): AfterCollection[] {
  let floor = Number.POSITIVE_INFINITY;
  return points
    .toReversed()
    .map(({ t, bytes }) => {
      floor = Math.min(floor, bytes);
      return { t, bytes: floor };
    })
    .reverse();
}

function pairs(
  points: readonly AfterCollection[],
  value: (a: AfterCollection, b: AfterCollection) => number,
): number[] {
  return points.flatMap((a, i) => points.slice(i + 1).flatMap((b) => (b.t > a.t ? [value(a, b)] : [])));
}

function meanOfAll(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/**
 * Open connections, requests and timers have risen as steadily as memory, and by as much. How many events
 * come in is no measure: a busy loop takes several at a time.
 */
function growsWithLoad(
  recording: View<'active-resources'>,
  { fromMs, spanMs, fromBytes, toBytes }: HeapGrowth & { fromMs: number },
) {
  const memory = toBytes / Math.max(1, fromBytes) - 1;
  const open = rowsOf(recording, 'active-resources').filter(
    ({ t }) => t >= fromMs - NEAR_READING_MS && t <= fromMs + spanMs,
  );
  const load = thinned(open).map(({ t, total }) => ({ t, bytes: total }));
  const third = Math.ceil(load.length / 3);
  const before = median(
    load.slice(0, third).map(({ bytes }) => bytes),
    0,
  );
  const after = median(
    load.slice(-third).map(({ bytes }) => bytes),
    0,
  );
  const rises = meanOfAll(pairs(load, (a, b) => (b.bytes > a.bytes ? 1 : 0))) >= LOAD_RISING_PAIRS;
  return rises && before > 0 && after / before - 1 >= Math.max(LOAD_GROWN, memory * LOAD_SHARE);
}
