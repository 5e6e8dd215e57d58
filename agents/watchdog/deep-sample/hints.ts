import { STUCK_RATIO } from '../../../src/detectors/growth.ts';
import { afterCollections, isConfirmedRising } from '../../../src/detectors/heap-growth.ts';
import type { RowOf, RowType, UnfinishedEntry } from '../../../src/recording/types.ts';

/** Readings of resources, which come once a second: fewer than a trigger waits for, as nothing is concluded from them. */
const RESOURCE_ROWS = 6;
const MORE_RESOURCES = 10;
/** One that was larger than the one before may be a load that begins. */
const RISES = 3;
const RESOURCES_FACTOR = 1.2;
/** Rows of worker threads, which are written when their number changes. */
const THREAD_ROWS = 3;
/** Calls that wait much longer than others did at the same place. */
const OLD_CALLS = 3;
const OLD_MS = 2500;

type Rows = <T extends RowType>(type: T) => readonly RowOf<T>[];

/**
 * Whether figures that cost nothing are reason to follow a thread more closely for a while: something may be growing or stuck.
 * What is seen then decides. False for a thread that is followed all the time anyway.
 */
export function isHinted(rows: Rows): boolean {
  const last = rows('unfinished').at(-1);
  if (last && !last.pauses) return false;
  return (
    areResourcesRising(rows('active-resources')) ||
    areThreadsRising(rows('threads')) ||
    isConfirmedRising(afterCollections(rows('gc'), 'oldBytes')) ||
    (last?.entries.some(isStuck) ?? false)
  );
}

function areResourcesRising(all: readonly RowOf<'active-resources'>[]): boolean {
  const totals = all.slice(-RESOURCE_ROWS).map(({ total }) => total);
  const [first, last] = [totals[0]!, totals.at(-1)!];
  if (totals.length < RESOURCE_ROWS || totals.some((total, i) => i > 0 && total < totals[i - 1]!)) return false;
  const rises = totals.filter((total, i) => i > 0 && total > totals[i - 1]!).length;
  return rises >= RISES && last - first >= MORE_RESOURCES && last >= first * RESOURCES_FACTOR;
}

function areThreadsRising(all: readonly RowOf<'threads'>[]): boolean {
  const alive = all.slice(-THREAD_ROWS).map((row) => row.alive);
  return alive.length === THREAD_ROWS && alive.every((count, i) => i === 0 || count > alive[i - 1]!);
}

function isStuck({ what, alive, oldestMs, usualMs }: UnfinishedEntry): boolean {
  if (what !== 'await' || alive < OLD_CALLS || oldestMs < OLD_MS) return false;
  return typeof usualMs === 'number' && oldestMs >= usualMs * STUCK_RATIO;
}
