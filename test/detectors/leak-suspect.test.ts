import { expect, test } from 'vitest';
import { leakSuspect } from '../../src/detectors/rules/leak-suspect.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import {
  allocations,
  collections,
  find,
  HEALTHY_SHAPES,
  location,
  outcome,
  seconds,
  severities,
  tracked,
  withInbound,
} from '../support/recording.ts';

const race = { what: 'reaction', type: 'race' } as const;
const leak = (fields: Partial<UnfinishedEntry> = {}) => tracked(4, (n) => ({ ...race, alive: 200 * n, ...fields }));

test('the race is the place', () => {
  expect(find(leakSuspect, leak())).toMatchObject([
    {
      rule: 'leak-suspect',
      severity: 'warning',
      kind: 'race',
      message: '800 reactions made in handler wait for a promise that does not settle, 600 more than 6 s earlier.',
      location,
      count: 800,
    },
  ]);
});

test.each([
  ['then on one promise', ['warning'], leak({ type: 'then' })],
  ['500', ['warning'], tracked(4, (n) => ({ ...race, alive: 125 * n }))],
  ['fewer', [], tracked(4, (n) => ({ ...race, alive: 124 * n }))],
  ['Promise.all', [], leak({ type: 'all' })],
  ['cured: all settle', [], leak({ alive: 600, oldestMs: 100 })],
  ['one for each connection', [], withInbound(5000, leak())],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(leakSuspect, [...rows])).toEqual(expected);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  expect(
    find(
      leakSuspect,
      tracked(6, (n, t) => ({ ...race, ...shape(n, t) })),
    ),
  ).toEqual([]);
});

const growing = (rows = collections([20, 26, 32, 38, 44, 50, 56, 62])) => rows;
const kept = (...sites: Parameters<typeof allocations>[0]) => [...growing(), allocations(sites)];
const MB = 1e6;

test('what stays, by who allocated it, at its line where that is known', () => {
  const line = { line: 20, column: 5, code: 'pages.set(url, page);' };
  expect(find(leakSuspect, kept({ aliveBytes: 40 * MB, line }))).toMatchObject([
    {
      rule: 'leak-suspect',
      severity: 'warning',
      kind: 'kept-objects',
      message:
        '38.1 MiB of what handler allocated within 7 s is still alive, while the heap grows by 5.7 MiB per second.',
      location: { line: 20, column: 5, function: 'handler' },
      evidence: { aliveShare: 1, olderShare: 0.5, code: 'pages.set(url, page);' },
    },
  ]);
  expect(find(leakSuspect, kept({ aliveBytes: 40 * MB }))).toMatchObject([
    { location, evidence: { lineIs: 'where the function begins' } },
  ]);
});

test('a cache that replaces its entries is passed over for what leaks beside it', () => {
  const cache = { aliveBytes: 25 * MB, olderBytes: 2 * MB };
  const leaking = { aliveBytes: 20 * MB, location: { ...location, line: 90, function: 'remember' } };
  expect(find(leakSuspect, kept(cache, leaking))).toMatchObject([{ location: { line: 90 } }]);
});

test.each([
  ['enough', ['warning'], kept({ aliveBytes: 13 * MB })],
  ['of no weight in the growth', [], kept({ aliveBytes: 12 * MB })],
  ['few samples', [], kept({ aliveBytes: 40 * MB, samples: 7 })],
  ['young objects', [], kept({ aliveBytes: 40 * MB, olderBytes: 7 * MB })],
  ['a small part of what is alive', [], kept(...[1, 2, 3, 4].map(() => ({ aliveBytes: 15 * MB })))],
  ['a heap that does not grow', [], [...collections([60, 61, 60, 59, 60, 61]), allocations([{ aliveBytes: 40 * MB }])]],
  ['nothing sampled', [], growing()],
  [
    'nothing waits',
    ['info'],
    [...collections([20, 26, 32, 38, 44, 50], { waiting: 0, timers: 0 }), allocations([{ aliveBytes: 40 * MB }])],
  ],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(leakSuspect, [...rows])).toEqual(expected);
});

test('no rows: no data', () => {
  expect(outcome(leakSuspect, seconds(4, { without: ['gc'] }))).toBe('no-data');
  expect(outcome(leakSuspect, collections([20, 30, 40, 50, 60, 70, 80, 90]))).toBe('no-data');
  expect(outcome(leakSuspect, collections([20, 20, 20, 20, 20, 20]))).toBe('clear');
});
