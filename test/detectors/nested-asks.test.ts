import { expect, test } from 'vitest';
import { asyncDeadlock } from '../../src/detectors/rules/async-deadlock.ts';
import type { AskedCounts, Location, NestedAsk, UnfinishedEntry } from '../../src/recording/types.ts';
import { find, tracked } from '../support/recording.ts';

const at = (line: number, name: string, file = '/srv/app.js'): Location => ({ file, line, column: 5, function: name });
const counts = (fields: Partial<AskedCounts>): AskedCounts => ({
  ...{ created: 0, ended: 0, followed: 0, oldestMs: 0, usualMs: 32 },
  ...fields,
});
const other = at(40, 'report');
type PerRow = (n: number) => Partial<AskedCounts>;

/** Row after row, 2 s each: what is asked for inside stands, and outside more and more wait. */
function nested(changed: { within?: PerRow; others?: PerRow } = {}, more: Partial<UnfinishedEntry>[] = []) {
  const rows = tracked(6, ...more.map((fields) => () => fields)).map((row, i): typeof row => {
    const n = i + 1;
    const ask: NestedAsk = {
      limit: at(5, 'limit', '/srv/limit.js'),
      holder: at(21, ''),
      inner: at(10, 'part'),
      outer: [at(20, 'product'), at(30, 'handler')],
      within: counts({ created: 12, ended: 8, followed: 1, oldestMs: n * 2000 - 500, ...changed.within?.(n) }),
      others: counts({ created: 8 + 20 * n, ended: 8, followed: 15 * n, ...changed.others?.(n) }),
    };
    return { ...row, nested: [ask] };
  });
  return find(asyncDeadlock, rows).filter(({ kind }) => kind === 'nested-limit');
}

test('a limit that stands while it is asked within what it runs', () => {
  expect(nested()).toMatchObject([
    {
      severity: 'critical',
      location: at(10, 'part'),
      alsoAt: [at(20, 'product'), at(30, 'handler')],
      message:
        'Calls of (anonymous) (/srv/app.js:21) hold a slot each and wait for about 4 further ones, asked for in part (/srv/app.js:10); ' +
        'about 120 more wait behind, the oldest for 11.5 s. None of them can go on.',
    },
  ]);
});

test('a lock has one holder', () => {
  const [found] = nested({ within: () => ({ created: 9 }) });
  expect(found?.message).toMatch(/^1 × \(anonymous\) .* holds a slot and waits for another one/);
});

test('whatever was collected as garbage never ended either', () => {
  expect(nested({ within: () => ({ oldestMs: 0, followed: 0 }) })).toHaveLength(1);
});

const waitsFor = (type: string): Partial<UnfinishedEntry> => ({
  ...{ what: 'await', location: other, alive: 3, created: 3, oldestMs: 11_500 },
  madeBy: { what: 'promise', type, via: [], location: other },
});

test.each<[string, ReturnType<typeof nested>]>([
  ['a helper that asks inside as often as outside', nested({ within: (n) => ({ created: 8 + 20 * n }) })],
  ['one that goes on outside', nested({ others: (n) => ({ ended: 8 + n }) })],
  ['one that goes on inside', nested({ within: (n) => ({ created: 12 + n, ended: 8 + n }) })],
  ['one for which nobody else asks', nested({ others: () => ({ created: 30, followed: 22 }) })],
  ['where something else began to wait at that time', nested({}, [waitsFor('new')])],
])('is not: %s', (_what, found) => {
  expect(found).toEqual([]);
});

test('calls that wait for the result of others explain nothing', () => {
  const call = { ...waitsFor('call'), madeBy: { what: 'call', type: '', via: [], location: other } };
  expect(nested({}, [call])).toHaveLength(1);
});
