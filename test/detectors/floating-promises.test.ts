import { expect, test } from 'vitest';
import { floatingPromises } from '../../src/detectors/rules/floating-promises.ts';
import type { Location, RowOf, UnfinishedEntry } from '../../src/recording/types.ts';
import { find, location, outcome, seconds, severities, tracked } from '../support/recording.ts';

const floating = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, () => ({ what: 'call', alive: 0, created: 40, ended: 40, floating: 40, ...fields }));
const rejection = (call: Location | null): RowOf<'rejection'> => ({
  t: 3000,
  type: 'rejection',
  kind: 'swallowed',
  count: 2,
  error: 'TypeError',
  location: null,
  call,
});

test('the line that makes the call is the place', () => {
  expect(find(floatingPromises, floating({ rejected: 3 }))).toMatchObject([
    {
      rule: 'floating-promises',
      severity: 'warning',
      kind: 'floating',
      message: 'handler called this 40 times in 8 s without awaiting it; it was rejected 3 times.',
      location,
      count: 40,
      evidence: { floating: 40, rejected: 3, created: 40, ended: 40, alive: 0 },
    },
  ]);
});

test.each([
  ['none was rejected', ['info'], floating()],
  ['five', ['info'], floating({ floating: 5 })],
  ['four, at start-up', [], floating({ floating: 4 })],
  ['one, rejected', ['warning'], floating({ floating: 1, rejected: 1 })],
  ['cured: all are awaited', [], floating({ floating: 0 })],
  ['a rejection of this call', ['warning'], [...floating(), rejection(location)]],
  ['a rejection of another', ['info'], [...floating(), rejection({ ...location, line: 99 })]],
  ['a rejection of nobody knows which', ['info'], [...floating(), rejection(null)]],
  ['a hundred that pile up', ['warning'], tracked(4, (n) => ({ what: 'call', alive: 30 * n, floating: 30 * n }))],
  ['fewer', ['info'], tracked(4, (n) => ({ what: 'call', alive: 24 * n, floating: 24 * n }))],
  ['a hundred that stay', ['info'], floating({ alive: 100, floating: 100 })],
  ['awaits', [], tracked(4, () => ({ floating: 40 }))],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(floatingPromises, [...rows])).toEqual(expected);
});

const ofPackage = { ...location, file: '/srv/node_modules/express/lib/layer.js', line: 95 };

test('what packages do not await is one line for all of them, and nothing to change', () => {
  const row = (n: number): ReturnType<typeof floating> =>
    floating({ location: { ...ofPackage, line: n } }).map((unfinished, i) => ({
      ...unfinished,
      entries: [
        ...unfinished.entries,
        ...floating({ package: 'p-limit', alive: 400 * i, location: { ...location, line: 30 } })[i]!.entries,
        ...floating({ location: { ...location, line: 40 } })[i]!.entries,
      ],
    }));
  expect(find(floatingPromises, row(95))).toMatchObject([
    { severity: 'info', location: { line: 40 }, count: 40 },
    {
      severity: 'info',
      count: 80,
      message: 'Packages (express, p-limit) called async functions 80 times without awaiting them, and none failed.',
      remedy: 'Nothing to change in your code: it is how these packages work.',
    },
  ]);
});

test('what failed in a call that a package made is told for itself', () => {
  const [finding] = find(floatingPromises, floating({ location: ofPackage, rejected: 2 }));
  expect(finding).toMatchObject({ severity: 'warning', location: ofPackage, count: 40 });
});

test('no rows: no data', () => {
  expect(outcome(floatingPromises, seconds(4))).toBe('no-data');
});
