import { type Recording, type Row, type RowOf, rowsOf } from '../../recording/types.ts';

/** What clinic doctor samples at one moment. */
export interface DoctorSample {
  /** Since the start of the recording. */
  t: number;
  /** How late the loop was. */
  delayMs: number;
  /** CPU time of the process as a share of a core. */
  cpu: number;
  memory: {
    rssBytes: number;
    heapTotalBytes: number;
    heapUsedBytes: number;
    externalBytes: number;
    arrayBuffersBytes: number;
  };
  handles: number;
  /** 0..100; null if the recording does not have it. */
  loopUtilization: number | null;
}

/** clinic doctor compares all pairs of samples: with ten times as many it takes a minute. */
export const MAX_SAMPLES = 400;
/** How often it samples by itself. */
const LEAST_STEP_MS = 10;
/** The agent's histogram of delays has the time between two ticks of its timer: this, if nothing is late. */
const TICK_MS = 10;
/** From here on it calls a single delay an issue; an even median must not hide one in a longer step. */
const LONG_MS = 100;

/**
 * The recording as clinic doctor would have sampled it: at most `limit` samples, as far apart as that takes. What has one row a second is
 * repeated between the rows, delays are spread by their quantiles, and a stall is one late sample at its end with none within it.
 */
export function samplesOf(recording: Recording, limit = MAX_SAMPLES): DoctorSample[] {
  const { durationMs } = recording;
  const memory = rowsOf(recording, 'memory');
  if (memory.length === 0 || !(durationMs > 0)) return [];
  const count = Math.max(2, Math.min(limit, Math.floor(durationMs / LEAST_STEP_MS)));
  const stepMs = durationMs / count;
  const times = Array.from({ length: count }, (_, i) => (i + 1) * stepMs);
  const delays = delaysAt(times, stepMs, recording);
  const cpu = valuesAt(times, stepMs, rowsOf(recording, 'cpu'), cpuShare);
  const handles = valuesAt(times, stepMs, rowsOf(recording, 'active-resources'), ({ total }) => total);
  const utilization = valuesAt(
    times,
    stepMs,
    rowsOf(recording, 'event-loop-utilization'),
    (row) => row.utilization * 100,
  );
  const samples = times.map((t, i): DoctorSample => {
    const { rssBytes, heapTotalBytes, heapUsedBytes, externalBytes, arrayBuffersBytes } = memory[indexAt(memory, t)]!;
    return {
      ...{ t, delayMs: delays[i]!, cpu: cpu?.[i] ?? 0 },
      memory: { rssBytes, heapTotalBytes, heapUsedBytes, externalBytes, arrayBuffersBytes },
      handles: Math.round(handles?.[i] ?? 0),
      loopUtilization: utilization ? Math.round(utilization[i]!) : null,
    };
  });
  return withStalls(samples, stallsOf(recording));
}

function stallsOf(recording: Recording): RowOf<'stall'>[] {
  // What evdiag ran, or a breakpoint, is not the program's.
  return rowsOf(recording, 'stall').filter((stall) => !stall.own && !stall.debugger);
}

function cpuShare({ userMs, systemMs, intervalMs }: RowOf<'cpu'>): number {
  return intervalMs > 0 ? (userMs + systemMs) / intervalMs : 0;
}

/** Index of the row whose interval holds that time: the first one at or after it, or the last. */
function indexAt(rows: readonly Row[], t: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.t >= t) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The rows of the step that ends then: those within it, and the one that holds its end. */
function rowsWithin<R extends Row>(rows: readonly R[], t: number, stepMs: number): R[] {
  const last = indexAt(rows, t);
  let first = last;
  while (first > 0 && rows[first - 1]!.t > t - stepMs) first--;
  return rows.slice(first, last + 1);
}

/** Means over the steps; null without rows. */
function valuesAt<R extends Row>(
  times: readonly number[],
  stepMs: number,
  rows: readonly R[],
  figure: (row: R) => number,
): number[] | null {
  if (rows.length === 0) return null;
  return times.map((t) => {
    const values = rowsWithin(rows, t, stepMs).map(figure);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  });
}

function delaysAt(times: readonly number[], stepMs: number, recording: Recording): number[] {
  const rows = rowsOf(recording, 'event-loop-delay');
  if (rows.length === 0) return times.map(() => 0);
  const stalls = stallsOf(recording);
  const holders = times.map((t) => indexAt(rows, t));
  return times.map((t, i) => {
    const within = rowsWithin(rows, t, stepMs).map((row) => delaysOf(row, stalls));
    if (within.length > 1) {
      const most = Math.max(...within.map(({ max }) => max));
      return most >= LONG_MS ? most : middleOf(within.map(({ p50 }) => p50));
    }
    const first = holders.indexOf(holders[i]!);
    const count = holders.lastIndexOf(holders[i]!) - first + 1;
    return quantileOf(within[0]!, alternating(i - first, count));
  });
}

interface Delays {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** How late the loop was. A stall has a sample of its own, so the maximum is left to that. */
function delaysOf(row: RowOf<'event-loop-delay'>, stalls: readonly RowOf<'stall'>[]): Delays {
  const [p50, p90, p99, max] = [row.p50Ms, row.p90Ms, row.p99Ms, row.maxMs].map((ms) => Math.max(0, ms - TICK_MS));
  const stalled = stalls.some(({ startMs, durationMs }) => Math.abs(startMs + durationMs - row.t) < row.maxMs + 1000);
  const most = stalled ? Math.min(max!, LONG_MS - 1) : max!;
  return { p50: Math.min(p50!, most), p90: Math.min(p90!, most), p99: Math.min(p99!, most), max: most };
}

/** The j-th of `count` shares, low and high ones in turn; the last of them is 1: a maximum is always among them. */
function alternating(j: number, count: number): number {
  const rank = j % 2 === 0 ? count - 1 - j / 2 : (j - 1) / 2;
  return count === 1 ? 0.5 : rank / (count - 1);
}

function quantileOf({ p50, p90, p99, max }: Delays, share: number): number {
  const points = [
    [0, 0],
    [0.5, p50],
    [0.9, p90],
    [0.99, p99],
    [1, max],
  ] as const;
  const after = points.findIndex(([at]) => at >= share);
  if (after <= 0) return 0;
  const [[fromShare, from], [toShare, to]] = [points[after - 1]!, points[after]!];
  return from + ((to - from) * (share - fromShare)) / (toShare - fromShare);
}

function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function withStalls(samples: readonly DoctorSample[], stalls: readonly RowOf<'stall'>[]): DoctorSample[] {
  const kept = new Map(samples.map((sample) => [sample.t, sample]));
  for (const { startMs, durationMs } of stalls) {
    const endMs = startMs + durationMs;
    const end = samples.find(({ t }) => t >= endMs) ?? samples.at(-1)!;
    for (const { t } of samples) if (t > startMs && t < endMs && t !== end.t) kept.delete(t);
    // Two stalls may end in one step.
    const delayMs = Math.max(kept.get(end.t)?.delayMs ?? 0, durationMs);
    kept.set(end.t, { ...end, delayMs });
  }
  return [...kept.values()].sort((a, b) => a.t - b.t);
}
