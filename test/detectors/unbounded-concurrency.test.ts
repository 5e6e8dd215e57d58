import { expect, test } from 'vitest';
import { unboundedConcurrency } from '../../src/detectors/rules/unbounded-concurrency.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import {
  find,
  location,
  outcome,
  seconds,
  severities,
  tracked,
  unfinished,
  withInbound,
} from '../support/recording.ts';

const socket: Partial<UnfinishedEntry> = { what: 'handle', type: 'TCPWRAP', via: ['http', 'net'] };
const burst = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, () => ({ ...socket, alive: 0, peak: 900, created: 900, ended: 900, ...fields }));
const storm = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, (n) => ({ ...socket, alive: 700, peak: 700 + n, created: 2000 * n, ended: 2000 * n - 700, ...fields }));

test('the line that starts them is the place', () => {
  expect(find(unboundedConcurrency, burst())).toMatchObject([
    {
      rule: 'unbounded-concurrency',
      severity: 'warning',
      kind: 'burst',
      message: '900 operations of handler were in flight at once, within 8 s.',
      location,
      count: 900,
      evidence: { peak: 900, created: 900, inbound: 0, type: 'TCPWRAP' },
    },
  ]);
  expect(find(unboundedConcurrency, storm())).toMatchObject([{ kind: 'retries', count: 704 }]);
});

test.each([
  ['500', ['warning'], burst({ peak: 500 })],
  ['cured: p-limit', [], burst({ peak: 20 })],
  ['fewer', [], burst({ peak: 499 })],
  ['500 that one in ten stands for', ['warning'], burst({ peak: 500, alive: 100, followed: 10 })],
  ['500 that one in eleven stands for', [], burst({ peak: 500, alive: 110, followed: 10 })],
  ['a thousand that one in eleven stands for', ['warning'], burst({ peak: 1000, alive: 110, followed: 10 })],
  ['a few that stand for many', [], burst({ peak: 633, alive: 50, followed: 1 })],
  ['fifty processes', ['warning'], burst({ type: 'PROCESSWRAP', via: [], peak: 50 })],
  ['awaits of fetch', ['warning'], burst({ what: 'await', type: '', via: ['fetch'] })],
  ['awaits of a queue with a limit', [], burst({ what: 'await', type: '', via: [] })],
  ['jobs of compression', ['warning'], burst({ type: 'ZLIB', via: [], peak: 6000, created: 6000, ended: 6000 })],
  ['key derivations', ['warning'], burst({ type: 'PBKDF2REQUEST', via: [] })],
  ['streams of compression that stay', [], burst({ type: 'ZLIB', via: [], alive: 900, ended: 0 })],
  ['files', [], burst({ type: 'FILEHANDLE', via: ['fs'] })],
  ['timers of 5000 clients', [], burst({ type: 'Timeout', via: ['timers'], peak: 5000 })],
  ['a tenth as many clients', ['warning'], withInbound(90, burst())],
  ['one for each of 5000 clients', [], withInbound(5000, burst({ peak: 5000 }))],
  ['connections from outside', [], burst({ location: null })],
  ['many connections that are kept, and came one by one', [], tracked(6, (n) => ({ ...socket, alive: 200 * n }))],
  ['gone before the end', ['warning'], [...burst().slice(0, 1), unfinished(4000, [])]],
  ['retries in two rows', ['warning'], storm().slice(0, 2)],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(unboundedConcurrency, [...rows])).toEqual(expected);
});

test('sockets and awaits of one function are one', () => {
  const rows = tracked(
    2,
    () => burst()[0]!.entries[0]!,
    () => ({ alive: 0, peak: 950, created: 950, via: ['fetch'], location: { ...location, line: 13 } }),
  );
  expect(find(unboundedConcurrency, rows)).toMatchObject([{ count: 950, location: { line: 13 } }]);
});

test('no rows: no data', () => {
  expect(outcome(unboundedConcurrency, seconds(4))).toBe('no-data');
});
