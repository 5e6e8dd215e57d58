import { createHistogram } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { HEARTBEAT_MS } from '../../../agents/shared-memory.ts';
import { delaysOf, loop } from '../../../agents/watchdog/metrics/collectors/loop.ts';
import { stalls } from '../../../agents/watchdog/metrics/collectors/stalls.ts';
import { exposition } from '../../../agents/watchdog/metrics/exposition.ts';
import { metricValue, readExposition } from '../../support/exposition.ts';
import { stall } from '../../support/recording.ts';

/** Of beats that were late by so many ms. */
function histogramOf(lateMs: readonly number[]) {
  const histogram = createHistogram();
  for (const ms of lateMs) histogram.record(Math.round((ms + HEARTBEAT_MS) * 1e6));
  return histogram;
}

function sourceOf() {
  const now = { ms: 1000, blockedMs: 0, late: [] as number[] };
  const source = {
    now: () => now.ms,
    startedAtMs: 0,
    slowMs: 100,
    blockedMs: () => now.blockedMs,
    beats: () => histogramOf(now.late),
    recordings: () => [],
  };
  return { now, source };
}

describe('beats of a reading', () => {
  test.each([
    ['none', []],
    ['one', [3]],
    ['two', [0.1, 90]],
    ['an idle second', Array.from({ length: 97 }, (_, i) => (i % 10) / 10)],
    ['one stall', [...Array.from({ length: 60 }, () => 0.5), 400]],
    ['all different', Array.from({ length: 100 }, (_, i) => i * 7)],
    ['more than are told apart', Array.from({ length: 3000 }, (_, i) => (i % 50) * 2)],
  ])('%s: as many as there were, with their sum and ends', (_, late) => {
    const delays = delaysOf(histogramOf(late));
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(delays.map(([, times]) => times))).toBeCloseTo(late.length, 6);
    expect(Math.abs(sum(delays.map(([ms, times]) => ms * times)) - sum(late))).toBeLessThan(
      sum(late) * 0.05 + late.length * 0.5 + 1e-9,
    );
    if (late.length === 0) return;
    expect(delays.at(-1)![0]).toBeCloseTo(Math.max(...late), 0);
    expect(delays).toEqual(delays.toSorted(([a], [b]) => a - b));
  });
});

describe('lag', () => {
  const read = (collector: ReturnType<typeof loop>) => readExposition(exposition(collector.read()));
  const seconds = (collector: ReturnType<typeof loop>, name: string) =>
    metricValue(read(collector), `nodejs_eventloop_lag_${name}seconds`);

  test('a second scrape at once says what the first did', () => {
    const { source } = sourceOf();
    const collector = loop(source);
    collector.onBeats!(histogramOf([0.2, 0.4, 250]));
    expect(read(collector)).toEqual(read(collector));
    expect(seconds(collector, 'max_')).toBeCloseTo(0.25, 2);
    expect(seconds(collector, 'min_')).toBeCloseTo(0.0002, 4);
  });

  test('before the first beat there is no lag, rather than a wrong one', () => {
    const { source } = sourceOf();
    expect([...read(loop(source)).keys()].filter((name) => name.includes('lag'))).toEqual([]);
  });

  test('while the loop is blocked, it is how long so far, also in the maximum', () => {
    const { now, source } = sourceOf();
    const collector = loop(source);
    collector.onBeats!(histogramOf([0.2, 0.4]));
    now.blockedMs = 3000;
    expect([seconds(collector, ''), seconds(collector, 'max_')]).toEqual([3, 3]);
    expect(metricValue(read(collector), 'evdiag_eventloop_utilization')).toBe(1);
  });

  test('a beat that has come since the last reading counts', () => {
    const { now, source } = sourceOf();
    const collector = loop(source);
    collector.onBeats!(histogramOf([0.2]));
    now.late = [3000];
    expect(seconds(collector, 'max_')).toBeCloseTo(3, 1);
  });

  test('the last minute counts, and what was before is in the histogram alone', () => {
    const { now, source } = sourceOf();
    const collector = loop(source);
    collector.onBeats!(histogramOf([900]));
    now.ms += 61_000;
    collector.onBeats!(histogramOf([1]));
    expect(seconds(collector, 'max_')).toBeLessThan(0.01);
    expect(metricValue(read(collector), 'evdiag_eventloop_delay_seconds_count')).toBe(2);
  });

  test('the 99th percentile leaves one beat of many out, the maximum does not', () => {
    const { source } = sourceOf();
    const collector = loop(source);
    collector.onBeats!(histogramOf([...Array.from({ length: 999 }, () => 1), 5000]));
    expect(seconds(collector, 'p99_')).toBeLessThan(0.01);
    expect(seconds(collector, 'max_')).toBeCloseTo(5, 1);
  });
});

describe('stalls', () => {
  test('count by kind; neither start-up nor breakpoints, and what is still on is time already', () => {
    const { now, source } = sourceOf();
    const collector = stalls(source);
    collector.onRow!(stall({ kind: 'json', durationMs: 300 }), 0);
    collector.onRow!(stall({ kind: 'module-load', durationMs: 700, startup: true }), 0);
    collector.onRow!(stall({ kind: 'json', durationMs: 5000, debugger: true }), 0);
    collector.onRow!(stall({ kind: 'js-cpu', durationMs: 300 }), 3);
    now.blockedMs = 2000;
    const families = readExposition(exposition(collector.read()));
    const value = (name: string, labels = {}) => metricValue(families, `evdiag_${name}`, labels);
    expect(value('stalls_total', { kind: 'json' })).toBe(1);
    expect(value('stalls_total')).toBe(1);
    expect(value('stall_duration_seconds_count')).toBe(1);
    expect(value('worker_stalls_total')).toBe(1);
    expect(value('startup_blocked_seconds')).toBe(0.7);
    expect(value('blocked_seconds_total')).toBe(3);
    expect(value('stall_open_seconds')).toBe(2);
  });

  test('a gap below the threshold is none', () => {
    const { now, source } = sourceOf();
    now.blockedMs = 80;
    expect(metricValue(readExposition(exposition(stalls(source).read())), 'evdiag_stall_open_seconds')).toBe(0);
  });
});
