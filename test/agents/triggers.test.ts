import { describe, expect, test } from 'vitest';
import { suspicions } from '../../agents/watchdog/deep-sample/triggers.ts';
import type { Row, RowOf, RowType } from '../../src/recording/types.ts';

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
  return suspicions(of, 'watch').some(({ reason }) => reason === 'heap');
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
