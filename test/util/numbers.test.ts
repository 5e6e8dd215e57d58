import { describe, expect, test } from 'vitest';
import { firstIndex, median } from '../../src/util/numbers.ts';

describe('firstIndex', () => {
  test.each([
    ['none', [], 3, 0],
    ['before all', [4, 5], 3, 0],
    ['at an equal one', [1, 3, 3, 5], 3, 1],
    ['between', [1, 2, 4], 3, 2],
    ['behind all', [1, 2], 3, 2],
  ])('%s', (_what, values, wanted, expected) => {
    expect(firstIndex(values.length, (i) => values[i]! >= wanted)).toBe(expected);
  });
});

test.each([
  [[], null],
  [[7], 7],
  [[9, 1, 5], 5],
  [[10, 9, 1, 2], 9],
])('the median of %j is %j, and the list stays as it was', (values, expected) => {
  const before = [...values];
  expect(median(values, null)).toBe(expected);
  expect(values).toEqual(before);
});
