import { describe, expect, test } from 'vitest';
import { firedTriggers } from '../../agents/watchdog/deep-sample/triggers.ts';
import { MANY_TIMERS } from '../../src/detectors/limits.ts';
import type { Row, RowOf, RowType } from '../../src/recording/types.ts';
import { seconds } from '../support/recording.ts';

const MB = 1e6;
/** One look at the heap each second: what is old, and how full the young generation is just then. */
const readings = (seconds: number, oldMb: (second: number) => number, youngMb: (second: number) => number) =>
  Array.from({ length: seconds }, (_, second): RowOf<'memory'> => {
    const spaces = { new_space: youngMb(second) * MB, old_space: oldMb(second) * MB };
    const bytes = {
      rssBytes: 90 * MB,
      heapTotalBytes: 80 * MB,
      heapLimitBytes: 2e9,
      externalBytes: 0,
      arrayBuffersBytes: 0,
    };
    return { t: second * 1000, type: 'memory', heapUsedBytes: spaces.new_space + spaces.old_space, ...bytes, spaces };
  });
const collections = (seconds: number, count: number) =>
  Array.from({ length: seconds }, (_, second): RowOf<'gc'> => {
    const times = { totalMs: count / 10, maxMs: 0.1, majorMs: 0, observedMs: 1000 };
    return { t: second * 1000, type: 'gc', count, majorCount: 0, ...times };
  });
const isGrowing = (...all: Row[][]): boolean => {
  const of = <T extends RowType>(type: T) => all.flat().filter((row): row is RowOf<T> => row.type === type);
  return firedTriggers(of, 'watch').some(({ reason }) => reason === 'heap');
};

const SECONDS = 40;
/** By chance, each ten seconds have readings of a fuller young generation than those before. */
const fuller = (second: number): number => 2 + 4 * Math.floor(second / 10);

describe('a heap that grows', () => {
  test('is not one whose garbage was read late, in a program that collects all the time', () => {
    const rows = readings(SECONDS, () => 20, fuller);
    expect(isGrowing(rows, collections(SECONDS, 50))).toBe(false);
  });

  test('is one whose old generation grows, whatever is young', () => {
    const rows = readings(
      SECONDS,
      (second) => 20 + second / 2,
      (second) => 16 - fuller(second),
    );
    expect(isGrowing(rows, collections(SECONDS, 50))).toBe(true);
  });

  test('is one on a busy host too, where readings come late: windows are of time', () => {
    const late = (oldMb: (second: number) => number) =>
      readings(100, oldMb, () => 1).filter((_, second) => Math.floor(second % 2.6) === 0);
    expect(late(() => 20).length).toBeLessThan(SECONDS);
    expect(isGrowing(late((second) => 20 + second / 2))).toBe(true);
    expect(isGrowing(late(() => 20))).toBe(false);
    expect(isGrowing(late((second) => 20 + second / 2).slice(-12))).toBe(false);
  });

  test('is one that grows slowly, before anything was collected', () => {
    expect(isGrowing(readings(SECONDS, () => 20, fuller))).toBe(true);
    expect(
      isGrowing(
        readings(SECONDS, () => 20, fuller),
        collections(4, 1),
      ),
    ).toBe(true);
  });
});

describe('what gives reason to look closer', () => {
  const reasonsIn = (rows: readonly Row[], level: 'watch' | 'diagnose' = 'watch'): string[] => {
    const of = <T extends RowType>(type: T) => rows.filter((row): row is RowOf<T> => row.type === type);
    return firedTriggers(of, level).map(({ reason }) => reason);
  };
  const gcOf = (totalMs: number) => ({ gcMs: totalMs });

  test.each<[string, string[], Row[]]>([
    ['a quiet second', [], seconds(2)],
    ['two busy seconds', ['utilization'], seconds(2, { utilization: 0.7 })],
    ['one busy second', [], [...seconds(1), ...seconds(1, { utilization: 1 }, 3000)]],
    ['nearly busy', [], seconds(2, { utilization: 0.69 })],
    ['a twentieth of the time in collections', ['gc'], seconds(2, gcOf(50))],
    ['less', [], seconds(2, gcOf(49))],
    ['very many timers', ['timers'], seconds(1, { timers: MANY_TIMERS })],
    ['many timers', [], seconds(1, { timers: MANY_TIMERS - 1 })],
    ['turns without events', ['polling'], seconds(1, { turns: 400, events: 0 })],
    ['turns with events', [], seconds(1, { turns: 4000, events: 2000 })],
    ['a delay of four times the usual', ['latency'], [...seconds(8), ...seconds(1, { p99Ms: 50 }, 10_000)]],
    ['a delay that nobody notices', [], [...seconds(8, { p99Ms: 2 }), ...seconds(1, { p99Ms: 39 }, 10_000)]],
    ['a delay, and nobody knows what is usual', [], [...seconds(3), ...seconds(1, { p99Ms: 500 }, 5000)]],
    ['as long a delay as ever', [], seconds(9, { p99Ms: 500 })],
  ])('%s: %j', (_what, expected, rows) => {
    expect(reasonsIn(rows)).toEqual(expected);
  });

  test('at level diagnose there is always one', () => {
    expect(reasonsIn([], 'diagnose')).toEqual(['routine']);
    expect(reasonsIn(seconds(2, { utilization: 1 }), 'diagnose')).toEqual(['routine', 'utilization']);
  });

  test('resources that grow from window to window, by half and by thirty', () => {
    const growing = (step: number) =>
      Array.from({ length: SECONDS }, (_, s) =>
        seconds(1, { timers: 40 + step * Math.floor(s / 10) }, 1000 * s),
      ).flat();
    expect(reasonsIn(growing(10))).toEqual(['resources']);
    expect(reasonsIn(growing(9))).toEqual([]);
    expect(reasonsIn(growing(0))).toEqual([]);
  });
});
