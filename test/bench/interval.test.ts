import { describe, expect, test } from 'vitest';

interface Interval {
  median: number;
  low: number;
  high: number;
}

const { medianInterval, totalInterval } = (await import(new URL('../../bench/interval.mjs', import.meta.url).href)) as {
  medianInterval(clusters: number[][]): Interval;
  totalInterval(clusters: [of: number, to: number][][]): Interval;
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

test('what happens in one block of twenty is in the sums, not in the median', () => {
  const blocks = Array.from({ length: 20 }, (_, i): [number, number] => [i === 7 ? 3 : 1, 1]);
  const rounds = Array.from({ length: 8 }, () => blocks);
  expect(medianInterval(rounds.map((some) => some.map(([of, to]) => of / to))).median).toBe(1);
  const total = totalInterval(rounds);
  expect(total.median).toBeCloseTo(1.1);
  expect([total.low, total.high]).toEqual([total.median, total.median]);
});
