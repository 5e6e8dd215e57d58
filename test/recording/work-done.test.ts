import { expect, test } from 'vitest';
import type { WorkRow } from '../../src/recording/rows/work.ts';
import { workDone } from '../../src/recording/work-done.ts';

const row = (t: number, count: number, more: Partial<WorkRow> = {}): WorkRow => ({
  type: 'work',
  t,
  intervalMs: 1000,
  seenShare: 1,
  entries: [{ kind: 'request', name: 'GET /', count, failed: 0, aborted: 0, maxMs: 1, durations: [] }],
  ...more,
});
const done = (rows: WorkRow[], fromMs: number, toMs: number): number | undefined =>
  workDone({ rows } as never, fromMs, toMs)?.request;

test('what ended within the time is counted, of the rows at its ends a part', () => {
  expect(done([row(1000, 10), row(2000, 20), row(3000, 40)], 500, 2500)).toBe(5 + 20 + 20);
});

test('what was followed in windows counts for the rest as well', () => {
  expect(done([row(1000, 10, { seenShare: 0.1 })], 0, 1000)).toBe(100);
});

test('a row of the end that is not written yet is like those before', () => {
  expect(done([row(1000, 10), row(2000, 10)], 0, 4000)).toBe(40);
});

test('a pause at the end is a pause', () => {
  expect(done([row(1000, 10)], 0, 60_000)).toBe(10);
});

test('where nothing was counted, it is not known', () => {
  expect(workDone({ rows: [row(1000, 10)] } as never, 2000, 3000)).toBeNull();
});
