import { expect, test } from 'vitest';
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

test('no rows: no data', () => {
  expect(outcome(exhaustedConnectionPool, seconds(4))).toBe('no-data');
});
