import { expect, test } from 'vitest';
import { missingTimeout } from '../../src/detectors/rules/missing-timeout.ts';
import type { HttpPool, UnfinishedEntry } from '../../src/recording/types.ts';
import {
  cpu,
  find,
  location,
  outcome,
  seconds,
  severities,
  tracked,
  unfinished,
  waits,
  withInbound,
} from '../support/recording.ts';

const ask = { ...location, line: 3, function: 'ask' };
const one = { alive: 1, created: 50, ended: 49, endedMaxMs: 30, endedSinceOldest: 40, via: ['fetch'] };
const stuck = (fields: Partial<UnfinishedEntry> = {}) => tracked(4, () => ({ ...one, ...fields }));
const hung = (fields: Partial<UnfinishedEntry> = {}) => tracked(16, () => ({ alive: 3, via: ['net'], ...fields }));
const growing = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, (n) => ({ alive: 30 * n, via: ['http'], ...fields }));

test('the await of the answer is the place', () => {
  expect(find(missingTimeout, stuck())).toMatchObject([
    {
      rule: 'missing-timeout',
      severity: 'warning',
      kind: 'network',
      message:
        '1 call waits in handler for the network without a timeout, the oldest for 7.9 s, while 40 that began later were answered within 30 ms.',
      location,
      count: 1,
      evidence: { alive: 1, created: 50, ended: 49, oldestMs: 7900, endedMaxMs: 30 },
    },
  ]);
});

test('a pool of connections that all wait for answers is named, with those that wait for one', () => {
  const callers = [{ ...location, line: 40 }];
  const held = Array.from({ length: 8 }, () => ({ ms: 6000, state: 'unanswered' as const, location: ask, callers }));
  const said = (pool: Partial<HttpPool>): string | undefined => {
    const one = { name: 'stock:80', max: 8, taken: 8, waiting: 50, held, ...pool };
    const rows = [...growing({ callers: [ask] }), ...waits(4, [], {}, [one])].sort((a, b) => a.t - b.t);
    return /All .*/.exec(find(missingTimeout, rows)[0]!.message)?.[0];
  };
  const text = (waiting: number): string =>
    `All 8 connections to stock:80 are taken by requests that have no answer; ${waiting} requests wait for one.`;
  expect(said({})).toBe(text(50));
  // undici does not say it: 120 calls wait there.
  expect(said({ waiting: 0 })).toBe(text(112));
  expect(said({ max: 100 })).toBeUndefined();
  expect(said({ held: held.map((one) => ({ ...one, ms: 100 })) })).toBeUndefined();
  expect(said({ held: held.map((one) => ({ ...one, location: { ...ask, line: 99 }, callers: [] })) })).toBeUndefined();
});

test.each([
  ['ten were answered', ['warning'], stuck({ endedSinceOldest: 10 })],
  ['nine', [], stuck({ endedSinceOldest: 9 })],
  ['for less than 5 s', [], stuck({ oldestMs: 4999 })],
  ['cured: it ends', [], stuck({ oldestMs: 300 })],
  ['no network', [], stuck({ via: [] })],
  ['a stream', [], stuck({ via: ['net', 'streams'] })],
  ['long polls in a loop', [], stuck({ loop: true })],
  ['for 61 s in a loop', ['warning'], stuck({ loop: true, oldestMs: 61_000 })],
  ['three hang for 30 s', ['warning'], hung()],
  ['for 29 s', [], hung({ oldestMs: 29_999 })],
  ['two', [], hung({ alive: 2 })],
  ['three in loops that poll', [], hung({ loop: true })],
  ['long polls that were answered', [], hung({ created: 4, ended: 1, endedMaxMs: 25_000 })],
  ['they pile up', ['warning'], growing()],
  ['tunnels of connections from outside', [], withInbound(90, hung())],
  ['tunnels that grow in number', [], withInbound(200, growing({ via: ['net'] }))],
  ['what used to end is no tunnel', ['warning'], withInbound(200, growing({ via: ['net'], ended: 30, usualMs: 32 }))],
  ['requests for those from outside', ['warning'], withInbound(200, growing())],
  ['more load, and all end soon', [], growing({ oldestMs: 400 })],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(missingTimeout, [...rows])).toEqual(expected);
});

const madeByAsk = { via: [], madeBy: { what: 'promise', type: 'new', via: [], location: ask } };
const handle = (fields: Partial<UnfinishedEntry>) => () =>
  ({ what: 'handle', location: ask, alive: 1, ...fields }) as const;

test.each([
  ['a socket of the function that made the promise', ['warning'], { type: 'TCPWRAP', via: ['net'] }],
  [
    'a socket of a function called by it',
    ['warning'],
    { type: 'TCPWRAP', location: { ...ask, function: 'open' }, callers: [ask] },
  ],
  ['a socket elsewhere', [], { type: 'TCPWRAP', location: { ...ask, function: 'other' } }],
  ['a closed socket', [], { type: 'TCPWRAP', alive: 0 }],
  ['a server', [], { type: 'TCPSERVERWRAP' }],
  ['a file', [], { type: 'FILEHANDLE' }],
] as const)('%s: %j', (_what, expected, fields) => {
  const rows = tracked(
    4,
    () => ({ ...one, ...madeByAsk }),
    handle({ ...fields, callers: [...('callers' in fields ? fields.callers : [])] } as never),
  );
  expect(severities(missingTimeout, rows)).toEqual(expected);
});

test('a timer in one of the functions is a timeout, one of the client itself is none', () => {
  const rows = (via: string[]) =>
    tracked(4, () => ({ ...one, ...madeByAsk }), handle({ type: 'TCPWRAP' }), handle({ type: 'Timeout', via }));
  expect(severities(missingTimeout, rows(['timers']))).toEqual([]);
  expect(severities(missingTimeout, rows(['fetch', 'timers']))).toEqual(['warning']);
});

test.each([
  ['of which some are answered', ['info'], 12_000, { ended: 3 }],
  ['and a host that is less busy', ['warning'], 400, { ended: 3 }],
  ['of which none was ever answered', ['warning'], 12_000, { ended: 0 }],
  ['of which none is answered any more', ['warning'], 12_000, { ended: 30, usualMs: 32 }],
] as const)('calls that pile up on a busy host, %s: %j', (_what, expected, waitedMs, fields) => {
  const host = cpu({ t: 8000, mainThreadMs: 500, runQueueMs: waitedMs });
  expect(severities(missingTimeout, [...growing(fields), host])).toEqual(expected);
});

test('no rows: no data', () => {
  expect(outcome(missingTimeout, seconds(4))).toBe('no-data');
  expect(outcome(missingTimeout, [unfinished(2000, [])])).toBe('clear');
});
