import { expect, test } from 'vitest';
import { growingHeap } from '../../src/detectors/rules/growing-heap.ts';
import { asOldFormat, collections, find, memory, outcome, seconds, severities } from '../support/recording.ts';

const GROWING = [20, 26, 32, 38, 44, 50];
const near = (mb: number, heapLimitBytes = 1000e6, oldLimitBytes?: number) => [
  ...collections([mb, mb]),
  memory({ t: 9000, heapLimitBytes, heapUsedBytes: mb * 1e6, ...(oldLimitBytes && { oldLimitBytes }) }),
];
const resident = (rssBytes: number) => [...seconds(2), memory({ t: 9000, rssBytes })];

test('how much it grew, and when the limit is reached', () => {
  expect(find(growingHeap, collections(GROWING))).toMatchObject([
    {
      rule: 'growing-heap',
      severity: 'warning',
      kind: 'old-space',
      message: 'Memory that survives a major collection grew from 19.1 MiB to 47.7 MiB within 5 s.',
      location: null,
      count: 6,
      evidence: { fromBytes: 20e6, toBytes: 50e6, perSecondBytes: 6e6, limitReachedInMs: 325_000 },
    },
  ]);
});

test.each([
  ['a batch in which nothing waits', ['info'], collections(GROWING, { waiting: 0, utilization: 0.9 })],
  ['a script without a timer', ['info'], collections(GROWING, { waiting: 0, timers: 0 })],
  ['one timer, until which the program sleeps', ['warning'], collections(GROWING, { waiting: 0, timers: 1 })],
  ['stable', [], collections([200, 201, 199, 200, 202, 200])],
  ['85 % of the limit', ['warning'], near(850)],
  ['less', [], near(849)],
  ['93 %', ['critical'], near(930)],
  ['of the old generation, where its limit is known', ['warning'], near(180, 400e6, 200e6)],
  ['no limit known', [], near(930, 0)],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(growingHeap, [...rows])).toEqual(expected);
});

test.each([
  ['90 % of the container', ['warning'], 900e6],
  ['less', [], 899e6],
] as const)('%s: %j', (_what, expected, rssBytes) => {
  expect(severities(growingHeap, resident(rssBytes), { containerMemoryBytes: 1000e6 })).toEqual(expected);
  expect(severities(growingHeap, resident(rssBytes))).toEqual([]);
});

test('near the limit, it is told what to raise', () => {
  expect(find(growingHeap, near(900))[0]).toMatchObject({
    kind: 'near-limit',
    message:
      "858 MiB are alive after a major collection, 90 % of the heap's limit; at the limit Node ends the process.",
    remedy: expect.stringContaining('--max-old-space-size'),
  });
});

test('older recordings do not tell the heap after collections; no rows: no data', () => {
  expect(find(growingHeap, asOldFormat(seconds(9, { heapUsedBytes: 20e6 })))).toEqual([]);
  expect(outcome(growingHeap, seconds(4, { without: ['gc', 'memory'] }))).toBe('no-data');
});
