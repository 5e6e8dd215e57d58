import { expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import type { Row, UnfinishedEntry } from '../../src/recording/types.ts';
import {
  find,
  HEALTHY_SHAPES,
  location,
  outcome,
  seconds,
  severities,
  tracked,
  unfinished,
  withInbound,
} from '../support/recording.ts';

const caller = { ...location, line: 40, function: 'route' };
const leak = (fields: Partial<UnfinishedEntry> = {}, rows = 4) => tracked(rows, (n) => ({ alive: 30 * n, ...fields }));
const promise = (fields: object) => ({ madeBy: { what: 'promise', type: 'new', via: [], location, ...fields } });
const end: Row = { t: 8600, type: 'end', reason: 'exit', exitCode: 0, signal: null };

test('the await at which calls pile up is the place', () => {
  const code = 'reply(id)';
  const [finding, ...others] = find(growingPendingAsync, leak({ callers: [caller], code, before: [] }));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'growing-pending-async',
    severity: 'warning',
    kind: 'suspended',
    message: '120 calls are suspended in handler, 90 more than 6 s earlier, the oldest for 7.9 s.',
    location,
    stack: [location, caller],
    count: 120,
    evidence: { alive: 120, createdMeanwhile: 90, endedMeanwhile: 0, oldestMs: 7900, observedMs: 6000, awaited: code },
  });
});

test.each([
  ['a fifth of the new ones end', ['warning'], tracked(4, (n) => ({ alive: 40 * n, created: 50 * n, ended: 10 * n }))],
  ['a row without a rise', ['warning'], tracked(6, (n) => ({ alive: n === 3 ? 60 : 30 * n }))],
  ['4 s of it', ['warning'], leak({}, 3)],
  ['twenty', ['warning'], tracked(4, (n) => ({ alive: 5 * n }))],
  ['nineteen', [], tracked(4, (n) => ({ alive: 5 * n - 1 }))],
  ['2 s of it', [], leak({}, 2)],
  ['cured: as many end', [], tracked(4, (n) => ({ alive: 3, created: 30 * n, ended: 30 * n - 3, oldestMs: 90 }))],
  ['timers', [], leak(promise({ via: ['timers'] }))],
  ['the network', [], leak({ via: ['fetch'] })],
  ['child processes', [], leak({ via: ['child_process'] })],
  ['a loop, by its text', [], leak({ loop: true })],
  ['a loop, by the text of the await', [], leak({ code: 'for await (const x of on(bus))' })],
  ['a loop, by the rest of its line', [], leak({ code: '(const x of on(bus)) {' })],
  ['called by Node, which looks as if it resumed', ['warning'], leak({ resumed: true, code: 'next()', before: [] })],
  ['a tree that is walked', [], leak({ callers: [caller, { ...location, line: 14 }] })],
  ['gone at the end', [], [...leak(), unfinished(10_000, [])]],
  ['gone in the last moment', ['warning'], [...leak(), unfinished(8500, []), end]],
  ['outside the user’s code', [], leak({ location: null })],
  ['other callers in each row', ['warning'], tracked(4, (n) => ({ alive: 30 * n, callers: [{ ...caller, line: n }] }))],
  ['a connection each', ['info'], withInbound(5000, leak())],
  ['a connection each, which listens', [], withInbound(5000, leak({ via: ['events'] }))],
  ['few connections', ['warning'], withInbound(90, leak({ via: ['events'] }))],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(growingPendingAsync, [...rows])).toEqual(expected);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  expect(find(growingPendingAsync, tracked(6, shape))).toEqual([]);
});

test('a loop is seen as the first await of a call and as a later one', () => {
  const both = tracked(
    4,
    (n) => ({ alive: 30 * n }),
    (n) => ({ alive: 30 * n, resumed: true }),
  );
  expect(find(growingPendingAsync, both)).toEqual([]);
});

test.each([
  ['on the line before', 11, 'pool.acquire()', []],
  ['behind, in what is still awaited', 14, 'Promise.race([…])', []],
  ['after it', 14, 'pool.acquire()', ['warning']],
] as const)('a timer of the function ends the wait, if it is made for that: %s', (_what, line, code, expected) => {
  const at = { ...location, function: 'handler' };
  const rows = tracked(
    4,
    (n) => ({ location: { ...at, line: 12 }, alive: 30 * n, created: 30 * n, code }),
    () => ({ what: 'handle', type: 'Timeout', detail: '500 ms', location: { ...at, line }, alive: 3 }),
  );
  expect(severities(growingPendingAsync, rows)).toEqual(expected);
});

test('a timer of the function that made the promise ends the wait', () => {
  const wait = { ...location, line: 3, function: 'withDeadline' };
  const rows = (via: string[]) =>
    tracked(
      4,
      (n) => ({ alive: 30 * n, ...promise({ location: wait }) }),
      () => ({ what: 'handle', type: 'Timeout', via, location: wait }),
    );
  expect(severities(growingPendingAsync, rows(['timers']))).toEqual([]);
  expect(severities(growingPendingAsync, rows(['fetch', 'timers']))).toEqual(['warning']);
});

test('entries of one place are summed up, and each deep sample begins anew', () => {
  const halves = tracked(
    4,
    (n) => ({ alive: 8 * n, ...promise({}) }),
    (n) => ({ alive: 8 * n }),
  );
  expect(find(growingPendingAsync, halves)).toMatchObject([{ count: 64 }]);
  const looks = [0, 100_000].flatMap((from) => leak({}, 2).map((row) => ({ ...row, t: row.t + from })));
  expect(find(growingPendingAsync, looks)).toEqual([]);
});

test('slow growth over hours shows, slow growth of much is a crowd', () => {
  const slow = (many: number) => tracked(600, (n) => ({ alive: many + Math.floor(n / 10) }));
  expect(severities(growingPendingAsync, slow(0))).toEqual(['warning']);
  expect(severities(growingPendingAsync, slow(1000))).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(growingPendingAsync, seconds(4))).toBe('no-data');
  expect(outcome(growingPendingAsync, [unfinished(2000, [])])).toBe('clear');
});

test('calls that hang while others pass are not excused by the requests that wait for them', () => {
  const beside = (n: number, t: number): Partial<UnfinishedEntry> => ({
    ...{ alive: 12 * n, created: 100 * n, ended: 88 * n, oldestMs: t - 500 },
    ...{ usualMs: 32, slowMs: 64, endedMaxMs: 6000, endedSinceOldest: 80 * n },
  });
  const rows = (unanswered: (n: number) => number): Row[] =>
    tracked(7, beside).map((row, i) => ({ ...row, inbound: 12 * i + 14, unanswered: unanswered(i + 1) }));
  expect(
    severities(
      growingPendingAsync,
      rows((n) => 12 * n),
    ),
  ).toEqual(['warning']);
  expect(
    severities(
      growingPendingAsync,
      rows(() => 2),
    ),
  ).toEqual(['info']);
});
