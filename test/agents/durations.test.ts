import { expect, test } from 'vitest';
import { addDuration, noDurations, slowMs, usualMs } from '../../agents/agent/tracking/durations.ts';

function durationsOf(...times: [ms: number, weight?: number][]) {
  const durations = noDurations();
  for (const [ms, weight = 1] of times) addDuration(durations, ms, weight);
  return durations;
}

test('nothing has ended: nothing is usual', () => {
  expect(usualMs(noDurations())).toBeNull();
});

test('what is usual is what nine of ten take at most, to a factor of two', () => {
  expect(usualMs(durationsOf([0.2]))).toBe(1);
  expect(usualMs(durationsOf([20, 90], [5000, 10]))).toBe(32);
  expect(usualMs(durationsOf([20, 80], [5000, 20]))).toBe(8192);
});

test('one of few, or one in a hundred, is an exception', () => {
  expect(slowMs(durationsOf([5000]))).toBeNull();
  expect(slowMs(durationsOf([20, 60], [6000]))).toBe(32);
  expect(slowMs(durationsOf([20, 60], [6000], [7000]))).toBe(8192);
  expect(slowMs(durationsOf([20, 995], [6000, 5]))).toBe(32);
});

test('the quickest and the slowest are kept, and any length has a place', () => {
  const durations = durationsOf([7], [3], [1e9]);
  expect([durations.leastMs, durations.maxMs]).toEqual([3, 1e9]);
  expect(usualMs(durationsOf([1e12]))).toBe(2 ** 20);
});
