import { expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { asyncDeadlock } from '../../src/detectors/rules/async-deadlock.ts';
import type { UnfinishedEntry, UnfinishedRow } from '../../src/recording/types.ts';
import { find, location, outcome, recordingOf, seconds, severities, stall, tracked } from '../support/recording.ts';

const first = { ...location, line: 5, function: 'pay' };
const second = { ...location, line: 15, function: 'refund' };
const pay = { location: first, alive: 1, code: 'b.acquire()', before: ['a.acquire()'] };
const refund = { location: second, alive: 1, code: 'a.acquire()', before: ['b.acquire()'] };
const both = (one: Partial<UnfinishedEntry> = {}, other: Partial<UnfinishedEntry> = {}): UnfinishedRow[] =>
  tracked(
    4,
    () => ({ ...pay, ...one }),
    () => ({ ...refund, ...other }),
  );
const written = (a: string, b: string) => both({ code: b, before: [a] }, { code: a, before: ['ready()', b] });

test('both functions and their lines are named', () => {
  expect(find(asyncDeadlock, both())).toMatchObject([
    {
      rule: 'async-deadlock',
      severity: 'critical',
      kind: 'cycle',
      message:
        '2 calls wait for each other for 7.9 s: pay (line 5) waits for b.acquire(), and refund (line 15) waits for a.acquire().',
      location: first,
      stack: [first, second],
      count: 2,
      confidence: 0.8,
      evidence: { suspendedCalls: 2, locks: ['b.acquire()', 'a.acquire()'] },
      alsoAt: [],
    },
  ]);
});

test.each([
  ['with await and spaces', ['critical'], written('await a . acquire()', 'await b.acquire();')],
  ['with more on the line', ['critical'], written('a.acquire(); try {', 'b.acquire(); // then')],
  ['a name each', ['critical'], written("locks.acquire('a')", "locks.acquire('b')")],
  ['3 s old', ['critical'], both({ oldestMs: 3000 }, { oldestMs: 3900 })],
  ['less', [], both({ oldestMs: 2999 }, { oldestMs: 2999 })],
  ['of different age', [], both({ oldestMs: 3000 }, { oldestMs: 7900 })],
  [
    'healthy contention: calls end',
    [],
    tracked(
      4,
      () => pay,
      (n) => ({ ...refund, ended: 10 * n }),
    ),
  ],
  ['healthy contention: none is old', [], both({ oldestMs: 80 }, { oldestMs: 60 })],
  ['nobody waits any more', [], both({ alive: 0 })],
  ['one order everywhere', [], both({}, { code: 'b.acquire()', before: ['a.acquire()'] })],
  ['another method before', [], both({}, { before: ['b.load()'] })],
  ['queries of two databases', [], written('a.query()', 'b.query()')],
  ['no text', [], tracked(4, () => ({ alive: 1 }))],
  ['the network', [], both({ via: ['net'] })],
  ['a stopped process', [], [...both(), stall({ startMs: 1000, durationMs: 6500, kind: 'host' })]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(asyncDeadlock, [...rows])).toEqual(expected);
});

test('three that wait in a ring are one', () => {
  const ring = (n: number) => () => ({
    alive: 1,
    location: { ...location, line: n, function: `step${n}` },
    code: `lock${(n + 1) % 3}.acquire()`,
    before: [`lock${n}.acquire()`],
  });
  const findings = find(asyncDeadlock, tracked(3, ring(0), ring(1), ring(2)));
  expect(findings.map(({ stack }) => stack.map(({ line }) => line))).toEqual([[0, 1, 2]]);
});

test('what queues up behind them, in these functions or elsewhere, is a symptom', () => {
  const queue = (place: typeof first) => (n: number) => ({
    location: place,
    alive: 30 * n,
    code: 'a.acquire()',
    before: [],
  });
  const rows = [queue({ ...first, line: 4 }), queue({ ...location, line: 33, function: 'audit' })];
  const { findings } = judge(
    recordingOf(
      tracked(
        4,
        () => pay,
        () => refund,
        ...rows,
      ),
    ),
  );
  expect(findings.filter(({ severity }) => severity !== 'info')).toMatchObject([
    {
      rule: 'async-deadlock',
      count: 242,
      symptoms: [{ rule: 'growing-pending-async' }, { rule: 'growing-pending-async' }],
    },
  ]);
});

test('no rows: no data', () => {
  expect(outcome(asyncDeadlock, seconds(4))).toBe('no-data');
});
