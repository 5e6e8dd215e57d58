import { expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { asyncDeadlock } from '../../src/detectors/rules/async-deadlock.ts';
import type { Frame, Row, UnfinishedEntry } from '../../src/recording/types.ts';
import { find, frame, recordingOf, severities, stall, tracked, type Waiting, waits } from '../support/recording.ts';

// The pool: acquire waits for a promise of its own, use acquires and then runs the job.
const acquire = frame('acquire', 7);
const acquiring = frame('use', 10);
const running = frame('use', 11);
const stock = frame('stockOf', 14);
const order = frame('placeOrder', 18);
const handler = frame('handle', 26);
const slow = frame('fetchRates', 30);
const made = { what: 'promise', type: 'new', via: [], at: frame('acquire', 7) };
const codes = { 7: 'new Promise((resolve) => queue.push(resolve))', 10: 'this.acquire()', 11: 'job(connection)' };

const nested: Waiting = { count: 5, chain: [acquire, acquiring, stock, order, running, handler], made };
const first: Waiting = { count: 40, chain: [acquire, acquiring, handler], made };
const holds: Waiting = { count: 5, chain: [running, handler], made: { what: 'call', type: '', via: [], at: order } };
const net = { what: 'promise', type: 'new', via: ['net'], at: slow };

/** The counts of the places at which they wait; none has ended. */
function rowsWith(groups: Waiting[], fields: Partial<UnfinishedEntry> = {}): Row[] {
  const places = new Map(groups.map(({ chain }) => [chain[0]!.line, chain[0]!]));
  const entries = [...places.values()].map((location: Frame) => () => ({ location, ended: 30, alive: 45, ...fields }));
  return [...tracked(4, ...entries), ...waits(4, groups, codes)].sort((a, b) => a.t - b.t);
}

test('who holds it, where they wait, and who waits behind', () => {
  const found = find(asyncDeadlock, rowsWith([nested, first, holds]));
  expect(found).toMatchObject([
    {
      severity: 'critical',
      kind: 'nested-limit',
      message:
        '5 × placeOrder (/srv/app.js:18) hold a slot and wait for another one in stockOf (/srv/app.js:14); 40 more wait behind, ' +
        'the oldest for 7.9 s. None of them can go on.',
      location: { line: 14, function: 'stockOf' },
      stack: [{ line: 14 }, { line: 18 }, { line: 11 }, { line: 26 }],
      count: 45,
      confidence: 0.9,
      evidence: { holding: 5, waiting: 40, resource: 'slot' },
    },
  ]);
});

test('what is handed to the limit may go on, written on the line that waits', () => {
  const beside = { what: 'reaction', location: { ...acquire, column: 40 }, alive: 1 } as const;
  const rows = rowsWith([nested, first, holds]).map((row, i) =>
    row.type === 'unfinished'
      ? { ...row, entries: [...row.entries, { ...row.entries[0]!, ...beside, ended: i }] }
      : row,
  );
  expect(find(asyncDeadlock, rows)).toMatchObject([{ kind: 'nested-limit', count: 45 }]);
});

test('a lock that a call takes again while it has it needs no others', () => {
  const again = { ...nested, count: 1 };
  expect(find(asyncDeadlock, rowsWith([again, { ...holds, count: 1 }]))).toMatchObject([
    { severity: 'critical', kind: 'nested-limit', count: 1, evidence: { holding: 1, waiting: 0 } },
  ]);
});

const elsewhere: Waiting = { count: 2, chain: [slow, order, running, handler], made: net };
const moving = rowsWith([nested, first, holds]).map((row, i) =>
  row.type === 'unfinished' ? { ...row, entries: row.entries.map((one) => ({ ...one, ended: 30 + i })) } : row,
);

test.each([
  ['all that hold it wait for something else', [], rowsWith([first, { ...elsewhere, count: 5 }, holds])],
  ['one that holds it waits for the network', [], rowsWith([{ ...nested, count: 3 }, first, elsewhere, holds])],
  ['most that hold it are not known to wait', [], rowsWith([{ ...nested, count: 1 }, first, holds])],
  ['calls go on', [], moving],
  ['they wait no longer than they used to', [], rowsWith([nested, first, holds], { usualMs: 4096, oldestMs: 5900 })],
  ['nobody has waited for long', [], rowsWith([nested, first, holds].map((one) => ({ ...one, oldestMs: 2900 })))],
  ['a limit over slow jobs', [], rowsWith([first, { count: 5, chain: [slow, running, handler], made: net }])],
  ['consumers that wait for work', [], rowsWith([{ count: 8, chain: [frame('take', 40), frame('worker', 50)] }])],
  [
    'a stopped process',
    [],
    [...rowsWith([nested, first, holds]), stall({ startMs: 100, durationMs: 7500, kind: 'host' })],
  ],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(asyncDeadlock, [...rows])).toEqual(expected);
});

test('queries one after the other on one pool hold nothing in between', () => {
  const pool = { file: '/srv/node_modules/pool/index.js', category: 'dependency' } as const;
  const query = { what: 'promise', type: 'new', via: [], at: frame('query', 5, pool) };
  const at = (line: number) => ({ count: 5, chain: [frame('handle', line)], made: query });
  const rows = rowsWith([at(20), at(21)]);
  const text = { 20: "pool.query('a')", 21: "pool.query('b')" };
  const all = (texts: Record<number, string>) => [
    ...rows.filter(({ type }) => type !== 'waits'),
    ...waits(4, [at(20), at(21)], texts),
  ];
  expect(severities(asyncDeadlock, all(text))).toEqual([]);
  expect(find(asyncDeadlock, all({ ...text, 20: 'pool.connect()' }))).toMatchObject([
    { location: { line: 21 }, evidence: { holding: 5, waiting: 5, resource: 'connection' } },
  ]);
});

test('if nobody saw what made a promise, what is asked for it tells', () => {
  const pool = { file: '/srv/node_modules/pool/index.js', category: 'dependency' } as const;
  const made = { what: 'promise', type: 'new', via: [], at: frame('promisify', 5, pool) };
  const inner = { count: 4, chain: [frame('stockOf', 5), frame('pay', 21), handler] };
  const holding = { count: 4, chain: [frame('pay', 21), handler], made: { what: 'call', type: '', via: [], at: null } };
  const outer = { count: 40, chain: [frame('pay', 20), handler], made };
  const found = (code: string) => [
    ...rowsWith([inner, holding, outer]).filter(({ type }) => type !== 'waits'),
    ...waits(4, [inner, holding, outer], { 5: code, 20: 'pool.connect()' }),
  ];
  expect(severities(asyncDeadlock, found('pool.query(text)'))).toEqual(['critical']);
  expect(severities(asyncDeadlock, found('client.query(text)'))).toEqual([]);
});

test('another function may hold a lock that is taken and given back by hand', () => {
  const lock = { what: 'promise', type: 'new', via: [], at: frame('acquire', 5, { file: '/srv/lock.js' }) };
  const inner = { count: 1, chain: [frame('pay', 22)], made: lock };
  const outer = { count: 3, chain: [frame('pay', 20)], made: lock };
  const other = { count: 1, chain: [frame('report', 60)], made: net, oldestMs: 9000 };
  const text = { 20: 'a.acquire()', 22: 'b.acquire()' };
  const rows = (...groups: Waiting[]) => [
    ...rowsWith(groups).filter(({ type }) => type !== 'waits'),
    ...waits(4, groups, text),
  ];
  expect(severities(asyncDeadlock, rows(inner, outer))).toEqual(['critical']);
  expect(severities(asyncDeadlock, rows(inner, outer, other))).toEqual([]);
});

test('a limit that runs what it is given tells no chain: what was called from the line on which others wait is within it', () => {
  const limiter = { file: '/srv/node_modules/p-limit/index.js', category: 'dependency' } as const;
  const slots = { what: 'promise', type: 'new', via: [], at: frame('generator', 50, limiter) };
  const inner = frame('importDir', 6);
  const outer = frame('importAll', 7);
  const within: Waiting = { count: 12, chain: [inner], made: slots };
  const queue: Waiting = { count: 60, chain: [outer, frame('handle', 12)], made: slots };
  const run = (count: number): Waiting => ({
    count,
    chain: [frame('run', 28, limiter)],
    made: { ...slots, what: 'call' },
  });
  const call = { what: 'call', location: { ...outer, function: '' }, callee: inner, alive: 4 } as const;
  const rows = (running: number, ...more: Waiting[]) => [
    ...tracked(
      4,
      () => ({ location: inner, what: 'reaction', type: 'all' }),
      () => ({ location: outer, what: 'reaction', type: 'all' }),
      () => call,
    ),
    ...waits(4, [within, queue, run(running), ...more]),
  ];
  expect(find(asyncDeadlock, rows(4))).toMatchObject([
    { location: { line: 6 }, confidence: 0.8, evidence: { holding: 4, waiting: 60, resource: 'slot' } },
  ]);
  expect(severities(asyncDeadlock, rows(9))).toEqual([]);
  expect(severities(asyncDeadlock, rows(4, { count: 2, chain: [slow], made: net }))).toEqual([]);
});

test('what waits in these calls is a symptom, within packages too', () => {
  const driver = frame('acquireConnection', 314, { file: '/srv/node_modules/db/client.js', category: 'dependency' });
  const growing = (location: Frame) => (n: number) => ({ location, alive: 30 * n, created: 30 * n });
  const queue = { ...first, chain: [driver, ...first.chain.slice(1)], made };
  const rows = [
    ...tracked(4, growing(driver), growing(handler), growing(acquire)),
    ...waits(4, [nested, queue, holds], codes),
  ];
  const alarms = judge(recordingOf(rows)).findings.filter(({ severity }) => severity !== 'info');
  expect(alarms).toMatchObject([{ rule: 'async-deadlock' }]);
  expect(new Set(alarms[0]!.symptoms.map(({ location }) => location!.file))).toEqual(new Set([handler.file]));
});

test('a function that calls itself by way of a limit is nested in it; one that its own line does not call is not', () => {
  const limiter = { file: '/srv/node_modules/p-limit/index.js', category: 'dependency' } as const;
  const slots = { what: 'promise', type: 'new', via: [], at: frame('generator', 50, limiter) };
  const walk = frame('walk', 6);
  const queue: Waiting = { count: 12, chain: [walk], made: slots };
  const run: Waiting = { count: 4, chain: [frame('run', 28, limiter)], made: { ...slots, what: 'call' } };
  const rows = (calledAt: number) => [
    ...tracked(
      4,
      () => ({ location: walk, what: 'reaction', type: 'all' }),
      () => ({ what: 'call', location: frame('', calledAt), callee: walk, alive: 4 }),
    ),
    ...waits(4, [queue, run]),
  ];
  expect(severities(asyncDeadlock, rows(6))).toEqual(['critical']);
  expect(severities(asyncDeadlock, rows(30))).toEqual([]);
});

const limiter = { file: '/srv/node_modules/p-limit/index.js', category: 'dependency' } as const;
const slots = { what: 'promise', type: 'new', via: [], at: frame('enqueue', 50, limiter) };

test('where nothing is seen of what runs the calls: what is named on the line on which others wait is within the limit', () => {
  const crawl = frame('crawl', 20);
  const queue: Waiting = { count: 60, chain: [frame('handle', 26)], made: slots };
  const parts: Waiting = { count: 15, chain: [crawl], made: slots };
  const together: Waiting = { count: 3, chain: [crawl], made: { ...slots, type: 'all', at: crawl } };
  const load: Waiting = { count: 3, chain: [slow], made: net };
  const rows = (code: string, ...more: Waiting[]) => [
    ...tracked(
      4,
      () => ({ location: crawl, alive: 3 }),
      () => ({ location: queue.chain[0]!, alive: 60 }),
    ),
    ...waits(4, [queue, parts, together, ...more], { 20: 'Promise.all(pages)', 26: code }),
  ];
  expect(find(asyncDeadlock, rows('limit(() => crawl(site))'))).toMatchObject([
    { kind: 'nested-limit', location: { line: 20 }, evidence: { holding: 3, waiting: 60 } },
  ]);
  expect(severities(asyncDeadlock, rows('limit(() => render(site))'))).toEqual([]);
  expect(severities(asyncDeadlock, rows('limit(() => crawl(site))', load))).toEqual([]);
});

test('a package that runs slow jobs one after the other holds nothing of its own', () => {
  const run = frame('run', 28, limiter);
  const jobs: Waiting = { count: 4, chain: [run, frame('next', 16, limiter), frame('run', 31, limiter)] };
  const rows = [
    ...tracked(4, () => ({ location: run, alive: 4 })),
    ...waits(4, [jobs], { 28: 'result', 31: 'next()' }),
  ];
  expect(severities(asyncDeadlock, rows)).toEqual([]);
});
