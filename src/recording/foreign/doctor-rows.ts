import { firstIndex } from '../../util/numbers.ts';
import type { Row, RowOf } from '../types.ts';
import type { Collection } from './collections.ts';
import type { ProcessStat } from './process-stats.ts';

/** Confidence that the kind is right: known only by the clock and the CPU time of the process, without a stack. */
const CLOCK_CONFIDENCE = 0.3;

/** One row a second, as the agent writes. */
const INTERVAL_MS = 1000;
/** So many of the counted handles may be the standard streams: the others wait for something. */
const STANDARD_STREAMS = 3;
/** How often clinic doctor samples by default: the recording does not say. */
const SAMPLE_MS = 10;
/** A sample from a century later is damaged. */
const MAX_MS = 3e12;

export interface Clock {
  unixMs: number;
  monotonicMs: number;
  slowMs: number;
}

/** Samples that are joined into the rows of one second. */
interface Second {
  fromMs: number;
  toMs: number;
  cpuMs: number;
  delays: number[];
  last: ProcessStat;
}

/** The rows that the agent would write, as far as the samples allow, and how many samples were damaged. */
export function secondsOf(
  stats: Iterable<ProcessStat | null>,
  collections: readonly Collection[] | null,
  clock: Clock,
): { rows: Row[]; damaged: number } {
  const rows: Row[] = [];
  const pauses = collections?.map((one) => onClock(one, clock)) ?? null;
  let damaged = 0;
  let second: Second | null = null;
  const close = (): void => {
    if (second) rows.push(...rowsOfSecond(second, pauses));
  };
  for (const stat of stats) {
    // A wall clock may be set back; rows go on.
    const at: number = stat ? stat.timestamp - clock.unixMs : Number.NaN;
    if (!stat || !(at < MAX_MS)) {
      damaged++;
      continue;
    }
    const before: number = second?.toMs ?? Math.max(0, at - stat.delayMs - SAMPLE_MS);
    const t = Math.max(before, at);
    if (stat.delayMs >= clock.slowMs) rows.push(stallOf(rows.length, t, stat, stat.cpu * (t - before), pauses));
    if (!second || t - second.fromMs >= INTERVAL_MS) {
      close();
      second = { fromMs: before, toMs: t, cpuMs: 0, delays: [], last: stat };
    }
    second.cpuMs += stat.cpu * (t - before);
    second.toMs = t;
    second.last = stat;
    second.delays.push(stat.delayMs);
  }
  close();
  return { rows: rows.sort((a, b) => a.t - b.t), damaged };
}

function onClock({ startMs, endMs, major }: Collection, { monotonicMs }: Clock): Collection {
  return { startMs: startMs - monotonicMs, endMs: endMs - monotonicMs, major };
}

/**
 * The timer of a sample was that late: the loop did not turn for as long. The reason is unknown, except for the collector's part;
 * without a place the confidence is low.
 */
function stallOf(
  id: number,
  t: number,
  stat: ProcessStat,
  cpuMs: number,
  pauses: readonly Collection[] | null,
): RowOf<'stall'> {
  const durationMs = Math.min(stat.delayMs, t);
  const startMs = t - durationMs;
  const within = endingWithin(pauses ?? [], startMs, t);
  const gcMs = within.reduce((sum, one) => sum + one.endMs - Math.max(one.startMs, startMs), 0);
  return {
    t,
    type: 'stall',
    id,
    startMs,
    durationMs,
    kind: gcMs >= durationMs / 2 ? 'gc' : 'js-cpu',
    location: null,
    stacks: [],
    // Of the process: the thread cannot have used more.
    cpuMs: Math.min(cpuMs, durationMs),
    runQueueMs: null,
    gcMs,
    startup: false,
    debugger: false,
    waiting: Math.max(0, stat.handles - STANDARD_STREAMS),
    confidence: CLOCK_CONFIDENCE,
  };
}

function rowsOfSecond({ fromMs, toMs: t, cpuMs, delays, last }: Second, pauses: readonly Collection[] | null): Row[] {
  const { rssBytes, heapUsedBytes, heapTotalBytes, externalBytes, arrayBuffersBytes, handles } = last;
  const intervalMs = t - fromMs;
  const gc = pauses && gcRow(t, intervalMs, pauses);
  return [
    delayRow(t, delays),
    { t, type: 'active-resources', total: handles, counts: {}, waiting: Math.max(0, handles - STANDARD_STREAMS) },
    // User and system time are reported together.
    { t, type: 'cpu', intervalMs, userMs: cpuMs, systemMs: 0, mainThreadMs: null, runQueueMs: null },
    {
      ...{ t, type: 'memory', rssBytes, heapUsedBytes, heapTotalBytes, externalBytes, arrayBuffersBytes },
      ...{ heapLimitBytes: 0, spaces: {} },
    },
    ...(gc ? [gc] : []),
  ];
}

function delayRow(t: number, delays: number[]): Row {
  const sorted = delays.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const maxMs = sorted.at(-1)!;
  const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
  const common = { count: sorted.length, meanMs, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs };
  return { t, type: 'event-loop-delay', ...common, heartbeatMaxMs: maxMs };
}

/** As in the agent: no row if nothing was collected. */
function gcRow(t: number, intervalMs: number, pauses: readonly Collection[]): Row | null {
  const within = endingWithin(pauses, t - intervalMs, t);
  if (within.length === 0) return null;
  const lengths = within.map(({ startMs, endMs }) => endMs - startMs);
  const majors = within.filter(({ major }) => major);
  return {
    t,
    type: 'gc',
    count: within.length,
    totalMs: lengths.reduce((sum, ms) => sum + ms, 0),
    maxMs: lengths.reduce((most, ms) => Math.max(most, ms), 0),
    majorCount: majors.length,
    majorMs: majors.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
    observedMs: intervalMs,
  };
}

/** The pauses are in order and do not overlap. */
function endingWithin(pauses: readonly Collection[], fromMs: number, toMs: number): Collection[] {
  const firstAfter = (ms: number): number => firstIndex(pauses.length, (i) => pauses[i]!.endMs > ms);
  return pauses.slice(firstAfter(fromMs), firstAfter(toMs));
}
