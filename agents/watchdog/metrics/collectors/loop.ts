/** The main thread's event loop: how late it is, and how busy. */

import type { DelayHistogram } from '../../../samplers/types.ts';
import { HEARTBEAT_MS } from '../../../shared-memory.ts';
import { Buckets, counter, gauge, neverFalling } from '../families.ts';
import type { Collector, Family, MetricsSource } from '../types.ts';

/** The gauges look back over this time, as long as Prometheus' usual interval: each stall is seen by a scrape, and by every scraper. */
const WINDOW_MS = 60_000;
/** Seconds. */
const DELAY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Beats of one reading that are told apart: each costs some 10 µs. */
const MAX_VALUES = 100;
/** Values closer together than this count as equal, in ms and as a share. */
const CLOSE = { ms: 0.5, share: 0.05 };

/** A value in ms and how often it was seen. */
type Delay = readonly [ms: number, times: number];

export function loop({ now, blockedMs, beats }: MetricsSource): Collector {
  const all = new Buckets(DELAY_BUCKETS);
  let recent: { at: number; delays: Delay[] }[] = [];
  let utilization: number | null = null;
  let [activeMs, idleMs] = [0, 0];
  const active = neverFalling();
  return {
    onBeats(histogram) {
      const delays = delaysOf(histogram);
      for (const [ms, times] of delays) all.add(ms / 1000, times);
      recent = [...recent.filter(({ at }) => at > now() - WINDOW_MS), { at: now(), delays }];
    },
    onRow(row, threadId) {
      if (threadId !== 0 || row.type !== 'event-loop-utilization') return;
      utilization = row.utilization;
      activeMs += row.activeMs;
      idleMs += row.idleMs;
    },
    read() {
      const open = blockedMs();
      const whole = recent.filter(({ at }) => at > now() - WINDOW_MS).map(({ delays }) => delays);
      const seen = [...whole, delaysOf(beats())];
      // Of the last second, what the loop was blocked for.
      const blockedShare = Math.min(1, open / 1000);
      const used = utilization === null && open === 0 ? null : (utilization ?? 0) * (1 - blockedShare) + blockedShare;
      return [
        ...lagFamilies(seen, open),
        {
          name: 'evdiag_eventloop_delay_seconds',
          help: 'How late the event loop was, at each heartbeat.',
          type: 'histogram',
          samples: all.samples(),
        },
        gauge('evdiag_eventloop_utilization', 'Share of the last second that the event loop was busy, 0 to 1.', used),
        counter(
          'evdiag_eventloop_active_seconds_total',
          'Time that the event loop was busy.',
          active(activeMs + open) / 1000,
        ),
        counter('evdiag_eventloop_idle_seconds_total', 'Time that the event loop waited for events.', idleMs / 1000),
      ];
    },
  };
}

/** The beats of a reading, late beyond their interval, in rising order. */
export function delaysOf(histogram: Pick<DelayHistogram, 'count' | 'percentile'>): Delay[] {
  const { count } = histogram;
  const points = Math.min(count, MAX_VALUES);
  const delays: Delay[] = [];
  if (points === 0) return delays;
  const valueAt = (i: number): number =>
    Math.max(0, histogram.percentile(((i + 1) / points) * 100) / 1e6 - HEARTBEAT_MS);
  const fill = (first: number, last: number, low: number, high: number): void => {
    if (high - low <= Math.max(CLOSE.ms, low * CLOSE.share) || last - first < 2) {
      const lower = Math.ceil((last - first + 1) / 2);
      delays.push([low, (lower * count) / points]);
      if (last > first) delays.push([high, ((last - first + 1 - lower) * count) / points]);
      return;
    }
    const middle = (first + last) >> 1;
    fill(first, middle, low, valueAt(middle));
    fill(middle + 1, last, valueAt(middle + 1), high);
  };
  fill(0, points - 1, valueAt(0), valueAt(points - 1));
  return delays;
}

/** As prom-client names them. `recent`: by second, and of the one that has begun. */
function lagFamilies(recent: readonly Delay[][], openMs: number): Family[] {
  const last = recent.slice(-2).flat();
  // A gap that is open is the next beat, which has not come.
  const delays = recent.flat().concat(openMs > 0 ? [[openMs, 1]] : []);
  delays.sort(([a], [b]) => a - b);
  const { count, mean, deviation } = figures(delays);
  const lag = (name: string, help: string, ms: number): Family =>
    gauge(`nodejs_eventloop_lag_${name}`, help, count > 0 ? ms / 1000 : null);
  const quantile = (share: number): number => valueAt(delays, share * count);
  return [
    lag(
      'seconds',
      'Lag of event loop in seconds: now, while it is blocked; else the mean of the last second.',
      openMs > 0 ? openMs : figures(last).mean,
    ),
    lag('min_seconds', 'The minimum recorded event loop delay of the last minute.', delays[0]?.[0] ?? 0),
    lag('max_seconds', 'The maximum recorded event loop delay of the last minute.', delays.at(-1)?.[0] ?? 0),
    lag('mean_seconds', 'The mean of the recorded event loop delays of the last minute.', mean),
    lag('stddev_seconds', 'The standard deviation of the recorded event loop delays of the last minute.', deviation),
    lag('p50_seconds', 'The 50th percentile of the recorded event loop delays of the last minute.', quantile(0.5)),
    lag('p90_seconds', 'The 90th percentile of the recorded event loop delays of the last minute.', quantile(0.9)),
    lag('p99_seconds', 'The 99th percentile of the recorded event loop delays of the last minute.', quantile(0.99)),
  ];
}

function figures(delays: readonly Delay[]) {
  let [count, sum, squares] = [0, 0, 0];
  for (const [ms, times] of delays) {
    count += times;
    sum += ms * times;
    squares += ms * ms * times;
  }
  const mean = count > 0 ? sum / count : 0;
  return { count, mean, deviation: count > 0 ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : 0 };
}

function valueAt(sorted: readonly Delay[], rank: number): number {
  let left = rank;
  for (const [ms, times] of sorted) {
    left -= times;
    if (left <= 1e-9) return ms;
  }
  return sorted.at(-1)?.[0] ?? 0;
}
