import { expect, test } from 'vitest';
import { growthOf } from '../../src/detectors/growth.ts';
import { allPlacesOf, periodsOf } from '../../src/detectors/unfinished.ts';
import type { UnfinishedEntry, UnfinishedRow } from '../../src/recording/types.ts';
import { recordingOf, tracked } from '../support/recording.ts';

const LEAST = 20;

function growthIn(rows: UnfinishedRow[], what: UnfinishedEntry['what'] = 'await') {
  const [period] = periodsOf(recordingOf(rows));
  return growthOf(allPlacesOf(period!, what)[0]!, LEAST);
}

/** Of listeners, with so many connections from outside in each row. */
function leftBy(alive: readonly number[], inbound: readonly number[], what: UnfinishedEntry['what'] = 'listener') {
  const rows = tracked(alive.length, (n) => ({ what, alive: alive[n - 1]!, created: alive[n - 1]! }));
  return growthIn(
    rows.map((row, i) => ({ ...row, inbound: inbound[i]! })),
    what,
  );
}

test.each([
  [
    'a few thousand, of which none is ever removed',
    (n: number) => ({ what: 'listener' as const, alive: 4600 + 13 * n, created: 4600 + 13 * n }),
  ],
  ['the first of them', (n: number) => ({ what: 'listener' as const, alive: 13 * n, created: 13 * n })],
])('%s: what leaked before does not hide what leaks now', (_what, fields) => {
  expect(growthIn(tracked(8, fields), 'listener')).toMatchObject({ grown: 91, ended: 0 });
});

test('a crowd that comes and goes is none for being some more', () => {
  expect(
    growthIn(tracked(8, (n) => ({ alive: 4600 + 13 * n, created: 5000 + 16 * n, ended: 400 + 3 * n }))),
  ).toBeNull();
});

const RISING = [30, 60, 90, 120, 150];

test.each([
  ['as long as as many are open', [...RISING, 150, 150], [30, 60, 90, 120, 150, 150, 150], null],
  ['once they have gone', [...RISING, 150, 150], [30, 60, 90, 120, 150, 2, 0], { alive: 150, inbound: false }],
  ['where they went with them', [...RISING, 40, 3], [30, 60, 90, 120, 150, 40, 3], null],
  ['a moment after they have gone', [...RISING, 150], [30, 60, 90, 120, 150, 0], { alive: 150, inbound: true }],
  ['a plateau without any', [...RISING, 150, 150], [0, 0, 0, 0, 0, 0, 0], null],
])('open requests excuse what is there for each of them, %s', (_what, alive, inbound, expected) => {
  const found = leftBy(alive, inbound);
  if (expected === null) expect(found).toBeNull();
  else expect(found).toMatchObject(expected);
});

test('what is there still when they have gone is judged from the beginning of its oldest, whatever was slow before', () => {
  const alive = [1, 1, 1, 8, 26, 44, 62, 80, 80, 80, 80];
  const rows = tracked(11, (n, t) => ({
    ...{ alive: alive[n - 1]!, created: 40 * n, ended: 40 * n - alive[n - 1]!, usualMs: 32, endedSinceOldest: 20 },
    oldestMs: n < 4 ? 2000 * n : t - 7500,
  }));
  const inbound = [1, 1, 1, 8, 26, 44, 62, 80, 80, 1, 0];
  const [period] = periodsOf(recordingOf(rows.map((row, i) => ({ ...row, inbound: inbound[i]! }))));
  const [place] = allPlacesOf(period!, 'await');
  expect(growthOf(place!, LEAST, Number.POSITIVE_INFINITY)).toMatchObject({ alive: 80, inbound: false });
});

test('connections of a pool stay on purpose', () => {
  expect(leftBy([...RISING, 150, 150], [30, 60, 90, 120, 150, 0, 0], 'handle')).toBeNull();
});

/** Requests of which none is answered, with one call each; `requests` as the row has them, by its number. */
function hanging(
  rows: number,
  fields: (n: number) => Partial<UnfinishedEntry>,
  requests: (n: number) => Partial<UnfinishedRow>,
) {
  const all = tracked(rows, (n) => ({ alive: 30 * n, created: 30 * n, ended: 0, ...fields(n) }));
  return growthIn(all.map((row, i) => ({ ...row, inbound: 30 * (i + 1), ...requests(i + 1) })));
}

const noAnswer = (n: number) => ({ unanswered: 30 * n });

test.each([
  ['whose answer has begun, as a stream of events', 8, () => ({}), () => ({ unanswered: 2 }), { inbound: true }],
  ['that have no answer for some seconds', 4, () => ({}), noAnswer, { inbound: true, broke: false }],
  ['that have no answer for ten', 6, () => ({}), noAnswer, { inbound: false }],
  ['that wait for an event', 6, () => ({ via: ['events'] }), noAnswer, { inbound: true }],
  ['whose body nobody reads', 4, () => ({}), (n: number) => ({ ...noAnswer(n), unread: 30 * n }), { inbound: false }],
  ['where a few were answered', 4, () => ({ ended: 4, usualMs: 32 }), noAnswer, { broke: true }],
  ['where they took long as well', 4, () => ({ ended: 4, usualMs: 4096 }), noAnswer, { broke: false }],
] as const)('requests from outside excuse what waits for them: %s', (_what, rows, fields, requests, expected) => {
  expect(hanging(rows, fields, requests)).toMatchObject(expected);
});

test('where some of those that hang began before others ended, nothing goes on all the same', () => {
  const lost = (n: number) => ({ ended: Math.min(n, 2) * 15, created: 30 * n + 30, usualMs: 32, endedSinceOldest: 9 });
  expect(hanging(8, lost, noAnswer)).toMatchObject({ broke: true });
  expect(hanging(8, lost, () => ({ unanswered: 2 }))).toMatchObject({ broke: false });
});

test('where enough are followed themselves, an estimate that goes up and down hides no rise', () => {
  const estimates = [12, 30, 25, 58, 81, 72, 96, 126];
  const rising = (followed: number) =>
    tracked(8, (n) => ({ alive: estimates[n - 1]!, created: 30 * n, followed: followed * n }));
  expect(growthIn(rising(11))).toMatchObject({ alive: 126, grown: 77 });
  expect(growthIn(rising(2))).toBeNull();
});
