import { expect, test } from 'vitest';
import { leakSuspect } from '../../src/detectors/leak-suspect.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import {
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
      message: '800 reactions made in handler wait for a promise that does not settle, 600 more than 6 s before.',
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

test('no rows: no data', () => {
  expect(outcome(leakSuspect, seconds(4))).toBe('no-data');
});
