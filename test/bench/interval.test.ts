import { describe, expect, test } from 'vitest';

const { medianInterval } = (await import(new URL('../../bench/interval.mjs', import.meta.url).href)) as {
  medianInterval(clusters: number[][]): { median: number; low: number; high: number };
};

/** Spread evenly over -1 to 1. */
const spread = (count: number): number[] => Array.from({ length: count }, (_, i) => (2 * i) / (count - 1) - 1);
const width = (clusters: number[][]): number => {
  const { low, high } = medianInterval(clusters);
  return high - low;
};

describe('interval of a median', () => {
  test('has no width where all rounds say the same', () => {
    expect(medianInterval(Array.from({ length: 8 }, () => [1.02, 1.02]))).toEqual({
      median: 1.02,
      low: 1.02,
      high: 1.02,
    });
  });

  test('counts processes, not slices: many slices of processes that differ prove little', () => {
    const byProcess = spread(8).map((luck) => Array.from({ length: 50 }, () => luck));
    const bySlice = Array.from({ length: 8 }, () => spread(50));
    expect(width(byProcess)).toBeGreaterThan(3 * width(bySlice));
  });

  test('is narrower with more rounds', () => {
    const rounds = (count: number): number[][] => spread(count).map((luck) => [luck, luck]);
    expect(width(rounds(100))).toBeLessThan(width(rounds(10)) / 2);
  });

  test('holds the median, and is endless where there are few rounds', () => {
    const { median, low, high } = medianInterval(spread(9).map((luck) => [luck]));
    expect([low <= median, median <= high]).toEqual([true, true]);
    expect(medianInterval([[1, 2, 3], [2]])).toEqual({ median: 2, low: -Infinity, high: Infinity });
  });
});
