/** Memory that multiplies within seconds: before there are enough collections to draw a line through. */

import type { RowOf } from '../recording/types.ts';
import { WARM_UP_MS } from './growth.ts';
import { percent, secondsText } from './severity.ts';

/** Readings come once a second, and as many a sawtooth has between two of its teeth. */
const LEAST_READINGS = 6;
/** The same where readings come late. */
const LEAST_SPAN_MS = 5000;
/** More than modules that load late and caches of V8 come to. */
const GROWN_BYTES = 20e6;
/** Until a collection that freed next to nothing, and from there: without a collection it may all be garbage. */
const STEP_RATIO = 1.3;
/** In all, where there was one such collection: three readings that multiply. */
const ONE_RATIO = 2.5;
/** Where there were more. */
const MORE_RATIO = 1.5;
/** A reading may be so much below the one before: V8 moves objects about. */
const DIP_SHARE = 0.02;
/** A collection that leaves less than the second before had was one of garbage. */
const LEFT_SHARE = 0.9;
/** Of the rise, in each quarter of the time: a cache that has filled up, or a start that is over, rises no more. */
const QUARTER_SHARE = 0.1;

export const EARLY_RISE = `or ${GROWN_BYTES / 1e6} MB more, ${ONE_RATIO} times as much as ${secondsText(LEAST_SPAN_MS)} before or earlier, rising all the time and ${percent(QUARTER_SHARE)} of it in the last quarter, with a major collection in between that freed next to nothing`;

export interface HeapGrowth {
  collections: number;
  fromBytes: number;
  toBytes: number;
  spanMs: number;
  bytesPerSecond: number;
}

/** Objects but for the young ones, and memory outside the heap. */
export type MemoryKind = 'oldBytes' | 'externalBytes';

interface Reading {
  t: number;
  /** That should rise all the time: with what is young where little of it is garbage, else without. */
  bytes: number;
  /** Without what is young, which the reading after a collection has none of. */
  oldBytes: number;
}

/** The rise that lasts until the last row; null where it is none, or where no collection has proved that it is alive. */
export function earlyGrowthOf(
  memory: readonly RowOf<'memory'>[],
  gcs: readonly RowOf<'gc'>[],
  kind: MemoryKind,
): (HeapGrowth & { fromMs: number }) | null {
  const warm = memory.filter(({ t }) => t >= WARM_UP_MS);
  if (kind === 'externalBytes') {
    return growthIn(
      warm.map(({ t, externalBytes: bytes }) => ({ t, bytes, oldBytes: bytes })),
      gcs,
      kind,
    );
  }
  const readings = warm.map((row) => ({ t: row.t, bytes: row.heapUsedBytes, oldBytes: oldBytesOf(row) }));
  const withoutYoung = readings.map((reading) => ({ ...reading, bytes: reading.oldBytes }));
  return growthIn(readings, gcs, kind) ?? growthIn(withoutYoung, gcs, kind);
}

function growthIn(
  all: readonly Reading[],
  gcs: readonly RowOf<'gc'>[],
  kind: MemoryKind,
): (HeapGrowth & { fromMs: number }) | null {
  const readings = risingTail(all);
  const [first, last] = [readings[0], readings.at(-1)];
  if (!first || !last || readings.length < LEAST_READINGS) return null;
  const spanMs = last.t - first.t;
  const rise = last.bytes - first.bytes;
  if (spanMs < LEAST_SPAN_MS || rise < GROWN_BYTES || !risesInEachQuarter(readings, rise)) return null;
  const proofs = provingCollections(readings, gcs, kind);
  const ratio = last.bytes / Math.max(1, first.bytes);
  if (proofs === 0 || ratio < (proofs > 1 ? MORE_RATIO : ONE_RATIO)) return null;
  return {
    ...{ collections: proofs, fromMs: first.t, spanMs },
    ...{ fromBytes: first.bytes, toBytes: last.bytes, bytesPerSecond: (rise / spanMs) * 1000 },
  };
}

function oldBytesOf({ spaces }: RowOf<'memory'>): number {
  const old = Object.entries(spaces).filter(([space]) => !space.startsWith('new_'));
  return old.reduce((sum, [, bytes]) => sum + bytes, 0);
}

/** From the last time that it fell. */
function risingTail(readings: readonly Reading[]): readonly Reading[] {
  const fell = readings.findLastIndex(({ bytes }, i) => i > 0 && bytes < readings[i - 1]!.bytes * (1 - DIP_SHARE));
  return readings.slice(Math.max(0, fell));
}

function risesInEachQuarter(readings: readonly Reading[], rise: number): boolean {
  const [from, to] = [readings[0]!.t, readings.at(-1)!.t];
  const at = (part: number): number => readings.findLast(({ t }) => t <= from + (to - from) * part)?.bytes ?? 0;
  // Of steps that come each second or two, one may fall beside a border.
  return [0, 0.25, 0.5, 0.75].every((part) => at(Math.min(1, part + 0.3)) - at(part) >= rise * QUARTER_SHARE);
}

/** How many left what was there, when it had multiplied, and since when it has again; or left a multiple. */
function provingCollections(readings: readonly Reading[], gcs: readonly RowOf<'gc'>[], kind: MemoryKind): number {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  return gcs.filter(({ t, afterMajor }) => {
    const before = readings.findLast((reading) => reading.t < t);
    if (!afterMajor || !before || t > last.t) return false;
    const bytes = afterMajor[kind];
    const isLeft = bytes >= before.oldBytes * LEFT_SHARE && bytes >= first.oldBytes * STEP_RATIO;
    return isLeft && (last.oldBytes >= bytes * STEP_RATIO || bytes >= first.oldBytes * ONE_RATIO);
  }).length;
}
