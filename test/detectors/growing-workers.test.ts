import { expect, test } from 'vitest';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import { growingWorkers } from '../../src/detectors/rules/growing-workers.ts';
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
} from '../support/recording.ts';

const leak = (type: string, fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, (n) => ({ what: 'handle', type, alive: 5 * n, ...fields }));
/** A row a second while counts change. */
const threads = (count: number, perSecond: number, alive: (n: number) => number): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const started = perSecond * (i + 1);
    return {
      t: 1000 * (i + 1),
      type: 'threads',
      started,
      ended: started - alive(i + 1),
      alive: alive(i + 1),
      unobserved: 0,
    };
  });
/** By then, no more were started. */
const atExit = (row: Row): Row => ({ ...row, type: 'threads', started: 24, ended: 24, alive: 0, unobserved: 0 });
const quietUntil = (t: number): Row => ({ ...seconds(1)[0]!, t });

test('the line that starts threads is the place', () => {
  expect(find(growingWorkers, [...threads(8, 3, (n) => 3 * n), ...leak('WORKER')])).toMatchObject([
    {
      rule: 'growing-workers',
      severity: 'warning',
      kind: 'workers',
      message: '20 worker threads started in handler are alive, 15 more than 6 s earlier.',
      location,
      count: 20,
      confidence: CONFIDENCE.counted,
    },
  ]);
});

test('a thread for each piece of work: the line that makes most of them is the place, where it is known', () => {
  const churn = threads(5, 20, () => 3);
  const workers = (fields: Partial<UnfinishedEntry>) =>
    tracked(2, () => ({ what: 'handle', type: 'WORKER', alive: 3, ...fields }));
  expect(find(growingWorkers, churn)).toMatchObject([
    {
      kind: 'workers',
      message: '80 worker threads were started in 4 s.',
      location: null,
      confidence: CONFIDENCE.indirect,
    },
  ]);
  expect(find(growingWorkers, [...churn, ...workers({ created: 100 })])).toMatchObject([
    { location, confidence: CONFIDENCE.counted },
  ]);
});

test('the line is known as well where all have ended since', () => {
  const ended = [
    ...threads(8, 2, (n) => 2 * n),
    ...threads(9, 2, () => 0).slice(-1),
    ...leak('WORKER'),
    unfinished(9000, []),
  ];
  expect(find(growingWorkers, ended)).toMatchObject([{ location, confidence: CONFIDENCE.counted }]);
});

test.each([
  ['twelve on four cores', ['warning'], tracked(4, (n) => ({ what: 'handle', type: 'WORKER', alive: 3 * n }))],
  ['eleven', [], tracked(4, (n) => ({ what: 'handle', type: 'WORKER', alive: 3 * n - 1 }))],
  ['children', ['warning'], leak('PROCESSWRAP')],
  ['sockets', [], leak('TCPWRAP')],
  ['growing, nowhere', ['warning'], threads(6, 2, (n) => 2 * n)],
  ['growing again and again, as collections end them', ['warning'], threads(20, 2, (n) => 2 * (n % 8))],
  [
    'growing before and after a collection, and then the exit',
    ['warning'],
    [
      ...threads(12, 2, (n) => 2 * (n < 5 ? n : n - 4)),
      ...threads(15, 2, () => 0)
        .slice(-1)
        .map(atExit),
    ],
  ],
  ['growing until the exit', ['warning'], [...threads(8, 2, (n) => 2 * n), ...threads(9, 2, () => 0).slice(-1)]],
  ['a pool that grows slowly to its size', [], [...threads(8, 2, (n) => 2 * n), quietUntil(60_000)]],
  ['growing, but few', [], threads(5, 2, (n) => 2 * n)],
  ['a pool of a large machine', [], [...threads(5, 4, (n) => 4 * n), quietUntil(20_000)]],
  ['a pool that starts at once', [], threads(1, 64, () => 64)],
  ['six a second for 3 s', ['warning'], threads(4, 6, () => 2)],
  ['five a second', [], threads(9, 5, () => 2)],
  ['for 2 s', [], threads(3, 6, () => 2)],
  ['cured: a pool', [], leak('WORKER', { alive: 4 })],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(growingWorkers, [...rows])).toEqual(expected);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  const rows = tracked(6, (n, t) => ({ what: 'handle', type: 'WORKER', ...shape(n, t) }));
  expect(find(growingWorkers, rows)).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(growingWorkers, seconds(4))).toBe('no-data');
  expect(outcome(growingWorkers, [unfinished(2000, [])])).toBe('clear');
});
