/** How each limit of a budget is measured. */
import { allStalls, ownMs } from '../../detectors/stalls.ts';
import type { Finding } from '../../detectors/types.ts';
import { type Recording, type RowOf, rowsOf } from '../../recording/types.ts';
import { displayPath, formatMs, formatShare } from '../../util/text.ts';
import type { Report } from '../types.ts';
import type { Budget, Limit, Measured } from './types.ts';

/** Between two measurements of the delay, which V8's histogram includes. */
const BEAT_MS = 10;
/** Findings of these rules, from warning on, are growth. */
const GROWTH = new Set([
  'growing-external-memory',
  'growing-heap',
  'growing-pending-async',
  'growing-workers',
  'leak-suspect',
  'leaked-handles',
  'leaked-listeners',
]);

const MS = { least: 0, most: 3_600_000, text: formatMs };
const MB = { least: 1, most: 1e6, text: (mb: number): string => `${Math.round(mb)} MB` };
const COUNT = { least: 0, most: 1e6, text: String };

/** In the order in which they are shown. */
export const LIMITS: Readonly<Record<Exclude<keyof Budget, 'allowGrowth'>, Limit>> = {
  maxStallMs: { title: 'longest stall', ...MS, measure: (_, mains) => worst(mains, longestStall) },
  maxDelayP99Ms: { title: 'p99 of the delay', ...MS, measure: (_, mains) => worst(mains, delayP99) },
  maxRouteP99Ms: {
    title: 'p99 of a route',
    ...MS,
    unknown: 'no route was seen often enough',
    measure: (report) => slowestRoute(report),
  },
  maxUtilization: {
    title: 'utilization',
    least: 0,
    most: 1,
    text: formatShare,
    measure: (_, mains) => worst(mains, utilization),
  },
  maxHeapMb: { title: 'most heap', ...MB, measure: (_, mains) => worst(mains, (one) => most(one, 'heapUsedBytes')) },
  maxRssMb: { title: 'most memory', ...MB, measure: (_, mains) => worst(mains, (one) => most(one, 'rssBytes')) },
  maxCriticals: { title: 'criticals', ...COUNT, measure: (report) => findings(report, 'critical') },
  maxWarnings: { title: 'warnings', ...COUNT, measure: (report) => findings(report, 'warning') },
};

/** As a number of findings. */
export const GROWTH_LIMIT: Limit = {
  title: 'growth',
  ...COUNT,
  measure: ({ findings: all }) => counted(all.filter(({ rule, severity }) => GROWTH.has(rule) && severity !== 'info')),
};

/** Of several processes the one with the highest value; one that was too short to say counts only if all were. */
function worst(mains: readonly Recording[], measure: (recording: Recording) => Measured): Measured {
  const all = mains.map((one) => {
    const { value, where } = measure(one);
    const process = mains.length > 1 ? `process ${one.header.pid}` : '';
    return { value, where: [where, process].filter((text) => text !== '').join(', ') };
  });
  const known = all.filter(({ value }) => value !== null);
  return known.sort((a, b) => b.value! - a.value!)[0] ?? { value: null, where: '' };
}

function longestStall(recording: Recording): Measured {
  // Without any reading, no stall means nothing.
  if (!recording.rows.some(({ type }) => type === 'event-loop-delay' || type === 'stall')) return UNKNOWN;
  let longest: Measured = { value: 0, where: '' };
  for (const stall of allStalls(recording)) {
    if (stall.startup || stall.own) continue;
    const ms = ownMs(stall);
    if (ms > longest.value!) longest = { value: ms, where: placeText(stall.location) };
  }
  return longest;
}

const UNKNOWN: Measured = { value: null, where: '' };

function delayP99(recording: Recording): Measured {
  const rows = afterStartup(recording, rowsOf(recording, 'event-loop-delay'));
  const values = rows.flatMap(({ count, p50Ms, p90Ms, p99Ms, maxMs }) => [
    { ms: p50Ms, weight: count * 0.5 },
    { ms: p90Ms, weight: count * 0.4 },
    { ms: p99Ms, weight: count * 0.09 },
    { ms: maxMs, weight: count * 0.01 },
  ]);
  values.sort((a, b) => a.ms - b.ms);
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  let left = total * 0.99 - 1e-6;
  for (const { ms, weight } of values) {
    left -= weight;
    if (left <= 0) return { value: Math.max(0, ms - BEAT_MS), where: '' };
  }
  return UNKNOWN;
}

/** Of fewer requests, the 99th percentile is the slowest one: a first request, often. */
const LEAST_REQUESTS = 20;

function slowestRoute({ routes = [] }: Report): Measured {
  const known = routes.filter(
    ({ kind, count, p99Ms }) => kind === 'request' && count >= LEAST_REQUESTS && p99Ms !== null,
  );
  known.sort((a, b) => b.p99Ms! - a.p99Ms!);
  const [slowest] = known;
  return slowest ? { value: slowest.p99Ms, where: slowest.name } : UNKNOWN;
}

function utilization(recording: Recording): Measured {
  const rows = afterStartup(recording, rowsOf(recording, 'event-loop-utilization'));
  const activeMs = rows.reduce((sum, row) => sum + row.activeMs, 0);
  const allMs = activeMs + rows.reduce((sum, { idleMs }) => sum + idleMs, 0);
  return allMs > 0 ? { value: activeMs / allMs, where: '' } : UNKNOWN;
}

/** Without the first reading, and those of the time in which the program still loads. */
function afterStartup<R extends RowOf<'event-loop-delay' | 'event-loop-utilization'>>(
  recording: Recording,
  rows: readonly R[],
): R[] {
  const loading = rowsOf(recording, 'stall').filter(({ startup }) => startup);
  const endMs = loading.reduce((end, { startMs, durationMs }) => Math.max(end, startMs + durationMs), 0);
  return rows.filter((_, i) => i > 0 && rows[i - 1]!.t >= endMs);
}

function most(recording: Recording, field: 'heapUsedBytes' | 'rssBytes'): Measured {
  const rows = rowsOf(recording, 'memory');
  if (rows.length === 0) return UNKNOWN;
  return { value: rows.reduce((top, row) => Math.max(top, row[field]), 0) / 1e6, where: '' };
}

function findings({ findings: all }: Report, severity: string): Measured {
  return counted(all.filter((finding) => finding.severity === severity));
}

function counted(found: readonly Finding[]): Measured {
  const [first] = found;
  const more = found.length > 1 ? ' …' : '';
  return {
    value: found.length,
    where: first ? [first.rule, placeText(first.location)].filter((text) => text !== '').join(' ') + more : '',
  };
}

function placeText(location: Finding['location']): string {
  return location ? `${displayPath(location.file)}:${location.line}` : '';
}
