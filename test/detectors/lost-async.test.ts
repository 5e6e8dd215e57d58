import { expect, test } from 'vitest';
import { lostAsync } from '../../src/detectors/rules/lost-async.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import { find, HEALTHY_SHAPES, location, outcome, seconds, severities, tracked } from '../support/recording.ts';

const lost = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(3, () => ({ alive: 0, created: 50, lost: 30, ...fields }));

test('the await that was never passed is the place', () => {
  expect(find(lostAsync, lost())).toMatchObject([
    {
      rule: 'lost-async',
      severity: 'warning',
      kind: 'collected',
      message: '30 calls of handler were collected while suspended, within 6 s: the code after the await never ran.',
      location,
      count: 30,
      evidence: { lost: 30, lostShare: 0.6, created: 50, ended: 0 },
    },
  ]);
});

test.each([
  ['ten, half of all', ['warning'], lost({ lost: 10, created: 20 })],
  ['nine', ['info'], lost({ lost: 9, created: 9 })],
  ['most get through', ['info'], lost({ lost: 20, created: 41 })],
  ['three', ['info'], lost({ lost: 3 })],
  ['two', [], lost({ lost: 2 })],
  ['they listened for errors that never came', ['info'], lost({ via: ['events'] })],
  ['readers of streams', ['info'], lost({ via: ['streams'] })],
  ['an abandoned loop', ['info'], lost({ loop: true })],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(lostAsync, [...rows])).toEqual(expected);
});

test('what was lost while the program started does not count', () => {
  const [first, ...others] = tracked(3, (n) => ({ alive: 0, created: n === 1 ? 30 : 90, lost: 30 }));
  expect(severities(lostAsync, [{ ...first!, trackedMs: 1000 }, ...others])).toEqual(['info']);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  expect(find(lostAsync, tracked(6, shape))).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(lostAsync, seconds(4))).toBe('no-data');
});
