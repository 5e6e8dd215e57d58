import { expect, test } from 'vitest';
import { orphanedAsync } from '../../src/detectors/rules/orphaned-async.ts';
import type { RowOf } from '../../src/recording/types.ts';
import { find, location, outcome, seconds, severities, unfinished } from '../support/recording.ts';

const caller = { ...location, line: 40, function: 'main' };
const orphans = (fields: Partial<RowOf<'orphans'>> = {}): RowOf<'orphans'> => ({
  t: 2500,
  type: 'orphans',
  location,
  callers: [caller],
  total: 200,
  pending: 190,
  stillPending: 0,
  ranOnMs: 800,
  ...fields,
});
const end = (t: number): RowOf<'end'> => ({ t, type: 'end', reason: 'exit', exitCode: 0, signal: null });
const few = (t: number) => orphans({ t, total: 6, pending: 5 });

test('the Promise.all is the place', () => {
  expect(find(orphanedAsync, [orphans()])).toMatchObject([
    {
      rule: 'orphaned-async',
      severity: 'warning',
      kind: 'all',
      message:
        '190 of 200 promises ran on for up to 800 ms after their Promise.all in handler had failed (1 time): 0 results were kept, 200 thrown away.',
      location,
      stack: [location, caller],
      evidence: { orphaned: 190, promises: 200, stillPending: 0, ranOnMs: 800 },
    },
  ]);
});

test.each([
  ['ten within a minute', ['warning'], [few(1000), few(60_000)]],
  ['ten within more', ['info'], [few(1000), few(62_000)]],
  ['three', ['info'], [orphans({ pending: 3 })]],
  ['two', [], [orphans({ pending: 2 })]],
  ['they ended soon', [], [orphans({ ranOnMs: 49 })]],
  ['at two places', ['info', 'info'], [few(1000), { ...few(2000), location: caller }]],
  ['outside the user’s code', ['warning'], [orphans({ location: null })]],
  [
    'connections that are closed at the end',
    [],
    [orphans({ t: 9700, ranOnMs: 300 }), orphans({ t: 9750, ranOnMs: 200 }), end(10_000)],
  ],
  ['one of them', ['warning'], [orphans({ t: 9700, ranOnMs: 300 }), end(10_000)]],
  [
    'that failed before',
    ['warning'],
    [orphans({ t: 9700, ranOnMs: 800 }), orphans({ t: 9750, ranOnMs: 1500 }), end(10_000)],
  ],
  ['a short program', ['warning'], [orphans({ t: 1700 }), orphans({ t: 1750 }), end(2000)]],
  ['cured', [], [unfinished(2000, [])]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(orphanedAsync, [...rows])).toEqual(expected);
});

test('nothing was tracked: no data', () => {
  expect(outcome(orphanedAsync, seconds(4))).toBe('no-data');
  expect(outcome(orphanedAsync, [unfinished(2000, [])])).toBe('clear');
});
