import { expect, test } from 'vitest';
import { leakedHandles } from '../../src/detectors/rules/leaked-handles.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import {
  find,
  HEALTHY_SHAPES,
  location,
  outcome,
  seconds,
  severities,
  tracked,
  withInbound,
} from '../support/recording.ts';

const leak = (type: string, fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, (n) => ({ what: 'handle', type, via: ['net'], alive: 30 * n, ...fields }));

test('the line that opens them is the place', () => {
  expect(find(leakedHandles, leak('FILEHANDLE'))).toMatchObject([
    {
      rule: 'leaked-handles',
      severity: 'warning',
      kind: 'files',
      message: '120 files opened in handler are alive, 90 more than 6 s earlier, the oldest for 7.9 s.',
      location,
      count: 120,
      evidence: {
        type: 'FILEHANDLE',
        alive: 120,
        createdMeanwhile: 90,
        endedMeanwhile: 0,
        oldestMs: 7900,
        referenced: 120,
      },
    },
  ]);
});

test.each([
  ['TCPWRAP', 'sockets'],
  ['TLSWRAP', 'sockets'],
  ['UDPWRAP', 'sockets'],
  ['FSEVENTWRAP', 'files'],
  ['TCPSERVERWRAP', 'servers'],
  ['PROCESSWRAP', 'processes'],
  ['MESSAGEPORT', 'other'],
  ['Timeout', 'timers'],
])('%s: kind %s', (type, kind) => {
  expect(find(leakedHandles, leak(type))).toMatchObject([{ kind }]);
});

const growTo = (type: string, alive: number) => tracked(5, (n) => ({ what: 'handle', type, alive: (alive * n) / 5 }));

test.each([
  ['ten sockets', ['warning'], growTo('TCPWRAP', 10)],
  ['five', [], growTo('TCPWRAP', 5)],
  ['twenty timers', ['warning'], growTo('Timeout', 20)],
  ['fifteen', [], growTo('Timeout', 15)],
  ['cured: closed as others are opened', [], leak('TCPWRAP', { alive: 4, oldestMs: 100 })],
  ['sockets of the HTTP client', [], leak('TCPWRAP', { via: ['http', 'net'] })],
  ['sockets of fetch', [], leak('TCPWRAP', { via: ['fetch'] })],
  ['sockets from outside', [], leak('TCPWRAP', { location: null })],
  ['timers of connections', [], withInbound(5000, leak('Timeout'))],
  ['timers that fire once', [], leak('Timeout', { detail: '30000 ms' })],
  ['unreferenced timers', [], leak('Timeout', { referenced: 0 })],
  ['unreferenced intervals', ['warning'], leak('Timeout', { referenced: 0, detail: 'interval' })],
  ['cron jobs', [], tracked(4, () => ({ what: 'handle', type: 'Timeout', alive: 300, detail: 'interval' }))],
  ['requests', [], leak('GETADDRINFOREQWRAP')],
  ['calls of fs', [], leak('FSREQCALLBACK')],
  ['workers', [], leak('WORKER')],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(leakedHandles, [...rows])).toEqual(expected);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  const rows = tracked(6, (n, t) => ({ what: 'handle', type: 'TCPWRAP', ...shape(n, t) }));
  expect(find(leakedHandles, rows)).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(leakedHandles, seconds(4))).toBe('no-data');
});
