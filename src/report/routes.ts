import { rowsOf, type View, type Work, type WorkKind } from '../recording/types.ts';
import { percentileOf } from '../util/duration-buckets.ts';
import { formatCount, formatMs, formatShare } from '../util/text.ts';

/** Of what was done under one name: requests of one route, runs of one job. */
export interface RouteReport {
  kind: WorkKind;
  name: string;
  /** Ended while they were followed. */
  count: number;
  /** Of all that ended, about; equal to `count` if all were followed. */
  estimated: number;
  failed: number;
  aborted: number;
  /** Within a tenth; of the server: from its call of the program to the end of the answer. Null if none ended. */
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number;
  /** Stalls of the loop that were its work, and their time. */
  stalls: number;
  stalledMs: number;
  /** How often one of them waited while the loop was blocked by something else. */
  waited: number;
}

/** In a report; more are not of interest to anybody. */
const MOST_ROUTES = 100;

interface Sum extends RouteReport {
  durations: Map<number, number>;
}

/** By route and job, those that blocked the loop first, then the most frequent. */
export function routesOf(recordings: readonly View<'work' | 'stall'>[]): RouteReport[] {
  const sums = new Map<string, Sum>();
  const of = ({ kind, name }: Work): Sum => {
    const key = `${kind} ${name}`;
    const known = sums.get(key);
    if (known) return known;
    const sum = { ...NOTHING, kind, name, durations: new Map() };
    sums.set(key, sum);
    return sum;
  };
  for (const recording of recordings) {
    for (const { entries, seenShare } of rowsOf(recording, 'work')) {
      for (const { count, failed, aborted, maxMs, durations, ...work } of entries) {
        const sum = of(work);
        sum.count += count;
        sum.estimated += seenShare > 0 ? count / seenShare : count;
        sum.failed += failed;
        sum.aborted += aborted;
        sum.maxMs = Math.max(sum.maxMs, maxMs);
        for (const [bucket, times] of durations) sum.durations.set(bucket, (sum.durations.get(bucket) ?? 0) + times);
      }
    }
    for (const { work, waited = [], kind, durationMs } of rowsOf(recording, 'stall')) {
      if (work && kind !== 'host') {
        const sum = of(work);
        sum.stalls++;
        sum.stalledMs += durationMs;
      }
      for (const { count, ...one } of waited) of(one).waited += count;
    }
  }
  return [...sums.values()]
    .map(({ durations, ...sum }) => ({
      ...sum,
      estimated: Math.round(sum.estimated),
      p50Ms: percentileOf(durations, 0.5),
      p99Ms: percentileOf(durations, 0.99),
    }))
    .sort((a, b) => b.stalledMs - a.stalledMs || b.count - a.count)
    .slice(0, MOST_ROUTES);
}

const NOTHING = {
  count: 0,
  estimated: 0,
  failed: 0,
  aborted: 0,
  p50Ms: null,
  p99Ms: null,
  maxMs: 0,
  stalls: 0,
  stalledMs: 0,
  waited: 0,
};

export const ROUTE_COLUMNS = ['', 'ended', 'p50', 'p99', 'failed', 'left', 'stalls caused', 'stalls suffered'] as const;

/** The cells of a row, as `ROUTE_COLUMNS` names them. */
export function routeCells(route: RouteReport): string[] {
  const { name, estimated, count, p50Ms, p99Ms, failed, aborted, stalls, stalledMs, waited } = route;
  const about = estimated > count ? '~' : '';
  return [
    name,
    `${about}${formatCount(estimated)}`,
    p50Ms === null ? '' : formatMs(p50Ms),
    p99Ms === null ? '' : formatMs(p99Ms),
    failed === 0 ? '' : formatCount(failed),
    aborted === 0 ? '' : formatCount(aborted),
    stalls === 0 ? '' : `${stalls} (${formatMs(stalledMs)})`,
    waited === 0 ? '' : formatCount(waited),
  ];
}

/** What the counts are of, if it is not everything; null if it is. */
export function seenText(routes: readonly RouteReport[]): string | null {
  const count = routes.reduce((sum, route) => sum + route.count, 0);
  const estimated = routes.reduce((sum, route) => sum + route.estimated, 0);
  if (estimated <= count) return null;
  return `${formatShare(count / estimated)} of them were followed: numbers with ~ are scaled up, those of failed and left ones are not.`;
}
