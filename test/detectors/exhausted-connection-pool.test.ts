import { describe, expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { exhaustedConnectionPool } from '../../src/detectors/rules/exhausted-connection-pool.ts';
import type { Frame, HttpPool, Row, UnfinishedEntry } from '../../src/recording/types.ts';
import {
  find,
  frame,
  outcome,
  recordingOf,
  seconds,
  severities,
  stall,
  tracked,
  unfinished,
  utilization,
  type Waiting,
  waits,
} from '../support/recording.ts';

const get = frame('get', 6);
const exists = frame('exists', 11);
const load = frame('load', 15);
const made = { what: 'promise', type: 'new', via: ['http'], at: get };
const groups: Waiting[] = [
  { count: 40, chain: [load], made },
  { count: 4, chain: [exists], made },
];
type Held = HttpPool['held'][number];
const unread: Held = { ms: 6000, state: 'unread', location: get, callers: [exists] };
const pool = (held: Partial<Held>[], fields: Partial<HttpPool> = {}): Row[] => {
  const all = held.map((one) => ({ ...unread, ...one }));
  const one = { name: 'stock:80', max: held.length, taken: held.length, waiting: 44, held: all, ...fields };
  return [...tracked(4, (n) => ({ location: load, alive: 10 * n, via: ['http'] })), ...waits(2, groups, {}, [one])];
};

test('answers that nobody reads: whose they are, beyond the function that makes all requests', () => {
  expect(find(exhaustedConnectionPool, pool([{}, {}, {}, { state: 'read' }, {}]))).toMatchObject([
    {
      severity: 'warning',
      kind: 'unread-body',
      message:
        '4 of 5 connections to stock:80 are held for 6 s by answers that nobody reads, begun in exists (/srv/app.js:11); ' +
        '44 requests wait for one.',
      location: exists,
      stack: [exists],
      count: 44,
      confidence: 0.9,
      evidence: { holding: 4, waiting: 44, resource: 'connection', address: 'stock:80' },
    },
  ]);
});

test('the requests that wait are a symptom', () => {
  const { findings } = judge(recordingOf(pool([{}, {}])));
  expect(findings.filter(({ severity }) => severity !== 'info')).toMatchObject([
    { rule: 'exhausted-connection-pool', symptoms: [{ rule: 'missing-timeout', location: { line: 15 } }] },
  ]);
});

test('of undici, calls that wait on the line of those that hold a connection are the requests that wait', () => {
  const asks: Waiting[] = [{ count: 24, chain: [get, exists], made: null }];
  const rows = (more: (n: number) => Partial<UnfinishedEntry>, held = [{}, {}]): Row[] => [
    ...tracked(4, (n) => ({ location: get, alive: 8 * n, ended: 30, ...more(n) })),
    ...waits(4, asks, {}, [
      { name: 'stock:80', max: 2, taken: 2, waiting: 0, held: held.map((one) => ({ ...unread, ...one })) },
    ]),
  ];
  expect(
    find(
      exhaustedConnectionPool,
      rows(() => ({})),
    ).filter(({ kind }) => kind === 'unread-body'),
  ).toMatchObject([{ evidence: { holding: 2, waiting: 24 }, count: 24 }]);
  // Others go on there: connections are not limited.
  expect(
    severities(
      exhaustedConnectionPool,
      rows((n) => ({ ended: 30 + n })),
    ),
  ).toEqual([]);
});

describe('of a client that is a package, calls that it makes elsewhere wait as well', () => {
  const report = frame('report', 9);
  const item = frame('item', 14);
  const request = { ...frame('request', 195), file: '/srv/node_modules/client/lib/request.js' };
  const byClient = { what: 'promise', type: 'new', via: [], at: request };
  const unanswered: Held = { ...unread, ms: 7000, state: 'unanswered', location: report, callers: [] };
  /** All connections are taken by `report`, and `item` waits behind. */
  const rows = (
    fields: Partial<HttpPool> = {},
    {
      waiting = {},
      more = () => ({}),
    }: { waiting?: Partial<Waiting>; more?: (n: number) => Partial<UnfinishedEntry> } = {},
  ): Row[] => [
    ...tracked(4, (n) => ({ location: item, alive: 10 * n, created: 30 + 10 * n, ended: 30, ...more(n) })),
    ...waits(
      4,
      [
        { count: 3, oldestMs: 7000, chain: [report], made: byClient },
        { count: 40, oldestMs: 5000, chain: [item], made: byClient, ...waiting },
      ],
      {},
      [
        {
          name: 'stock:80',
          max: 3,
          taken: 3,
          waiting: 0,
          package: 'client',
          held: Array(3).fill(unanswered),
          ...fields,
        },
      ],
    ),
  ];
  const kinds = (all: Row[]): string[] => find(exhaustedConnectionPool, all).map(({ kind }) => kind);

  test('those that hold the connections are the place', () => {
    expect(find(exhaustedConnectionPool, rows())).toMatchObject([
      {
        kind: 'held',
        severity: 'warning',
        location: { line: 9 },
        alsoAt: [{ line: 14 }],
        message:
          '3 of 3 connections to stock:80 are taken by requests that have no answer, begun in report (/srv/app.js:9), the oldest for 7 s; ' +
          '40 requests wait for one, most of them in item (/srv/app.js:14).',
      },
    ]);
  });

  test('what waits is a symptom, and not told on its own', () => {
    const { findings } = judge(recordingOf(rows({}, { more: () => ({ via: ['http'] }) })));
    expect(findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule)).toEqual([
      'exhausted-connection-pool',
    ]);
  });

  test.each<[string, string[], Row[]]>([
    ['answers that nobody reads', ['unread-body'], rows({ held: Array(3).fill({ ...unanswered, state: 'unread' }) })],
    ['a few that wait', [], rows({}, { waiting: { count: 12 } })],
    ['calls that go on', [], rows({}, { more: (n) => ({ ended: 30 + n }) })],
    ['what another client makes', [], rows({ package: 'other' })],
    ['what waits for longer than the connections are taken', [], rows({}, { waiting: { oldestMs: 9500 } })],
    ['a connection that is free', [], rows({ max: 4 })],
  ])('%s: %j', (_what, expected, all) => {
    expect(kinds(all)).toEqual(expected);
  });
});

const job = frame('job', 18);
const running = frame('use', 11);
const acquiring = frame('use', 10);
const slots = { what: 'promise', type: 'new', via: [], at: frame('acquire', 7) };
const answer = { what: 'promise', type: 'new', via: ['net'], at: job };
const codes = { 10: 'this.acquire()', 11: 'run()' };
const queue: Waiting = { count: 45, chain: [frame('acquire', 7), acquiring, frame('handle', 26)], made: slots };
const holders: Waiting = { count: 5, chain: [job, running, frame('handle', 26)], made: answer };

function heldRows(chains: Waiting[], grows: Partial<UnfinishedEntry> = {}): Row[] {
  const entries = chains.map(({ chain }) => chain[0]! as Frame);
  const rows = tracked(
    4,
    ...entries.map((location, i) => (n: number) => ({
      location,
      ended: 30,
      alive: i === 0 ? 12 * n : 5,
      created: 30 + 12 * n,
      ...(i === 0 ? grows : {}),
    })),
  );
  return [...rows, ...waits(4, chains, codes)].sort((a, b) => a.t - b.t);
}

test('calls that hold a slot and wait for something else, while more and more wait for theirs', () => {
  expect(find(exhaustedConnectionPool, heldRows([queue, holders]))).toMatchObject([
    {
      severity: 'warning',
      kind: 'held',
      message:
        '5 × job (/srv/app.js:18) hold a slot of this.acquire() and wait there, the oldest for 7.9 s; 45 calls wait for one behind them, and none gets one.',
      location: { line: 18, function: 'job' },
      evidence: { holding: 5, waiting: 45, resource: 'slot' },
    },
  ]);
});

test.each([
  ['half of them', ['warning'], pool([{}, { state: 'unanswered' }])],
  ['less', [], pool([{}, { state: 'unanswered' }, { state: 'read' }])],
  ['3 s', ['warning'], pool([{ ms: 3000 }])],
  ['a moment', [], pool([{ ms: 2900 }])],
  ['connections are free', [], pool([{}, {}], { max: 5 })],
  ['a slow dependency', [], pool([{ state: 'unanswered' }, { state: 'unanswered' }])],
  ['a stopped process', [], [...pool([{ ms: 3900 }]), stall({ startMs: 100, durationMs: 3800, kind: 'host' })]],
  ['a limit over slow jobs: a batch that waits', [], heldRows([queue, holders], { alive: 45, created: 75 })],
  [
    'jobs end',
    [],
    heldRows([queue, holders]).map((row, i) =>
      row.type === 'unfinished' ? { ...row, entries: row.entries.map((one) => ({ ...one, ended: 30 + i })) } : row,
    ),
  ],
] as [string, string[], Row[]][])('%s: %j', (_what, expected, rows) => {
  expect(severities(exhaustedConnectionPool, rows)).toEqual(expected);
});

test.each([
  ['what their promise is made by', [queue, { ...holders, made: null }], 18],
  [
    'what is awaited within the call for which they wait',
    [queue, { count: 5, chain: [running, frame('handle', 26)], made: { what: 'call', type: '', via: [], at: job } }],
    11,
  ],
] as [string, Waiting[], number][])('who holds a slot is reported also where nobody saw %s', (_what, chains, line) => {
  expect(find(exhaustedConnectionPool, heldRows(chains))).toMatchObject([
    { kind: 'held', location: { line }, evidence: { holding: 5, waiting: 45 } },
  ]);
});

test('where a package holds it and runs what it was given, what waits since then for another one is likely that', () => {
  const of = (name: string, line: number): Frame =>
    frame(name, line, { file: '/srv/node_modules/pool/index.js', category: 'dependency' });
  const handler = frame('handle', 26);
  const connections = { ...slots, at: of('acquire', 7) };
  const first: Waiting = { count: 45, chain: [of('acquire', 7), of('transaction', 40), handler], made: connections };
  const holds: Waiting = { count: 5, chain: [of('transaction', 44), handler], made: answer };
  const within = (count: number): Waiting => ({
    ...{
      count,
      chain: [of('acquire', 7), of('query', 60), frame('stockOf', 9), frame('order', 16)],
      made: connections,
    },
  });
  const found = (count: number) =>
    find(exhaustedConnectionPool, heldRows([first, holds, within(count)])).filter(({ kind }) => kind === 'held');
  expect(found(5)).toMatchObject([
    {
      location: { line: 9 },
      message: expect.stringMatching(/^5 × handle .*Since then stockOf \(\/srv\/app\.js:9\) waits/),
    },
  ]);
  expect(found(2)).toMatchObject([{ location: { line: 26 } }]);
});

test('no rows: no data', () => {
  expect(outcome(exhaustedConnectionPool, seconds(4))).toBe('no-data');
});

/** Rows two seconds apart in which the queue stands. */
const narrow = (fields: Partial<HttpPool> = {}, { rows = 4, unanswered = 60 } = {}): Row[] => {
  const at = { location: get, callers: [load] };
  const held = [{ ms: 40, state: 'unanswered' as const, location: null, callers: [] }];
  const one = { name: 'stock:80', max: 2, taken: 2, waiting: 50, waited: { count: 1, ms: 900 }, queued: at, held };
  return Array.from({ length: rows }, (_, i) => 1000 * (i + 1)).flatMap((t) => [
    unfinished(t, [], { unanswered }),
    { ...waits(2, [], {}, [{ ...one, ...fields }])[0]!, t, trackedMs: t },
    utilization(0.2, t),
  ]);
};

test('too few connections, for which requests from outside wait: where they are asked for, and for how long', () => {
  expect(find(exhaustedConnectionPool, narrow())).toMatchObject([
    {
      severity: 'warning',
      kind: 'too-small',
      message:
        'get (/srv/app.js:6) has 2 connections to stock:80, for which 50 requests wait at a time, 900 ms each, over 3 s; meanwhile 60 requests from outside have no answer.',
      location: get,
      stack: [get, load],
      count: 50,
      evidence: { holding: 2, waiting: 50, heldMs: 3000, resource: 'connection', address: 'stock:80', waitMs: 900 },
    },
  ]);
});

describe('a pool in which requests go on is not too small', () => {
  const busy = narrow().map((row) => (row.type === 'event-loop-utilization' ? utilization(0.8, row.t) : row));
  const gap = narrow().map((row) => (row.type === 'waits' && row.t === 2000 ? { ...row, pools: [] } : row));
  const old = narrow().map((row) =>
    row.type === 'waits' ? { ...row, pools: row.pools.map(({ waited: _waited, ...pool }) => pool) } : row,
  );
  const cases: [string, Row[]][] = [
    ['with six connections', narrow({ max: 6, taken: 6 })],
    ['of which one is free', narrow({ taken: 1 })],
    ['where few wait', narrow({ waiting: 7 })],
    ['where nobody outside waits', narrow({}, { unanswered: 20 })],
    ['where each waits for a short time', narrow({ waited: { count: 1, ms: 90 } })],
    ['where none was seen to go on', narrow({ waited: { count: 0, ms: 0 } })],
    ['for less than three seconds', narrow({}, { rows: 3 })],
    ['where the queue was empty in between', gap],
    ['where the thread is busy', busy],
    ['in an old recording', old],
  ];
  test.each(cases)('%s', (_what, rows) => {
    expect(severities(exhaustedConnectionPool, rows)).toEqual([]);
  });
});
