import { describe, expect, test } from 'vitest';
import { isHinted } from '../../agents/watchdog/deep-sample/hints.ts';
import type { Row, RowOf, RowType } from '../../src/recording/types.ts';
import { gc, seconds, tracked } from '../support/recording.ts';

const of = (...all: Row[][]) => {
  const rows = all.flat();
  return isHinted(<T extends RowType>(type: T) => rows.filter((row): row is RowOf<T> => row.type === type));
};
/** A thread that is followed in windows. */
const paused = (rows: readonly Row[]): Row[] => rows.map((row) => ({ ...row, pauses: 3 }));
const resources = (...totals: number[]): Row[] =>
  totals.map((total, i) => ({ t: i * 1000, type: 'active-resources', total, counts: {} }));
const threads = (...alive: number[]): Row[] =>
  alive.map((count, i) => ({ t: i * 1000, type: 'threads', started: count, ended: 0, alive: count, unobserved: 0 }));
/** MB after collections, once the program has warmed up. */
const heap = (...mb: number[]): Row[] =>
  mb.map((one, i) =>
    gc({ t: 60_000 + i * 1000, majorCount: 1, afterMajor: { oldBytes: one * 1e6, externalBytes: 0 } }),
  );

describe('what costs nothing to read is a hint', () => {
  test.each([
    ['resources that rise from second to second', true, resources(10, 12, 15, 18, 20, 25)],
    ['resources that come and go', false, resources(10, 30, 15, 40, 20, 45)],
    ['a load that begins', false, resources(10, 10, 10, 60, 60, 60)],
    ['a few more resources', false, resources(10, 11, 12, 13, 14, 15)],
    ['many, and few more', false, resources(1000, 1005, 1010, 1015, 1020, 1025)],
    ['not enough readings', false, resources(10, 20, 30)],
    ['worker threads that become more', true, threads(1, 2, 3)],
    ['worker threads that come and go', false, threads(1, 3, 2)],
    ['calls that wait where others pass', true, paused(tracked(1, () => ({ alive: 3, usualMs: 8, oldestMs: 3000 })))],
    ['calls that take that long', false, paused(tracked(1, () => ({ alive: 3, usualMs: 2048, oldestMs: 3000 })))],
    ['one call', false, paused(tracked(1, () => ({ alive: 1, usualMs: 8, oldestMs: 3000 })))],
    ['a heap that each collection leaves larger', true, heap(11, 12, 13, 14, 15)],
    [
      'a heap that one collection left larger: perhaps by what was allocated meanwhile',
      false,
      heap(11, 11, 11, 11, 14),
    ],
    ['a calm program', false, seconds(10, {})],
  ])('%s: %j', (_what, expected, rows) => {
    expect(of(rows)).toBe(expected);
  });

  test('of a thread that is followed all the time there is no need of one', () => {
    expect(
      of(
        resources(10, 12, 15, 18, 20, 25),
        tracked(1, () => ({ alive: 3 })),
      ),
    ).toBe(false);
  });
});
