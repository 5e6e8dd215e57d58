import { describe, expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import { missingTimeout } from '../../src/detectors/rules/missing-timeout.ts';
import { stuckAsync } from '../../src/detectors/rules/stuck-async.ts';
import type { Frame, Row, UnfinishedEntry } from '../../src/recording/types.ts';
import {
  find,
  HEALTHY_SHAPES,
  location,
  outcome,
  seconds,
  severities,
  stall,
  tracked,
  withInbound,
} from '../support/recording.ts';

const stuck = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(4, (n) => ({
    alive: 5,
    created: 100 * n,
    ended: 100 * n - 5,
    endedMaxMs: 40,
    endedSinceOldest: 90,
    ...fields,
  }));

test('the await that some never pass is the place', () => {
  expect(find(stuckAsync, stuck())).toMatchObject([
    {
      rule: 'stuck-async',
      severity: 'warning',
      kind: 'stuck',
      message: '5 calls are stuck in handler, the oldest for 7.9 s, while 90 that began later ended within 40 ms.',
      location,
      count: 5,
      evidence: { alive: 5, oldestMs: 7900, ended: 90, endedMaxMs: 40 },
    },
  ]);
});

test.each([
  ['three', ['warning'], stuck({ alive: 3 })],
  ['two', [], stuck({ alive: 2 })],
  ['for 5 s', ['warning'], stuck({ oldestMs: 5000 })],
  ['less', [], stuck({ oldestMs: 4999 })],
  ['20 ended', ['warning'], stuck({ endedSinceOldest: 20 })],
  ['19 ended', [], stuck({ endedSinceOldest: 19 })],
  ['they last a tenth as long', ['warning'], stuck({ endedMaxMs: 790 })],
  ['they last longer', [], stuck({ endedMaxMs: 791 })],
  ['one that ended was slow, nine of ten were not', ['warning'], stuck({ endedMaxMs: 2000, usualMs: 64 })],
  ['it was nearly as slow', [], stuck({ endedMaxMs: 3000, usualMs: 64 })],
  ['the slowest of many was an exception', ['warning'], stuck({ endedMaxMs: 6000, usualMs: 64, slowMs: 128 })],
  ['two of them wait: they may be exceptions', [], stuck({ alive: 2, endedMaxMs: 6000, usualMs: 64, slowMs: 128 })],
  ['many are slow', [], stuck({ endedMaxMs: 2000, usualMs: 1024 })],
  ['none ended', [], stuck({ endedMaxMs: null })],
  ['cured: all end', [], stuck({ oldestMs: 90 })],
  ['two a moment ago', [], tracked(4, (n) => ({ ...stuck()[0]!.entries[0]!, alive: n === 3 ? 2 : 9, oldestMs: 7900 }))],
  ['long polls with a timeout', [], stuck({ via: ['timers'] })],
  ['idle consumers of a queue', [], stuck({ loop: true })],
  ['connections that read', [], stuck({ via: ['streams'] })],
  ['an event that never comes', ['warning'], stuck({ via: ['events'] })],
  ['connections that listen', [], withInbound(5, stuck({ via: ['events'] }))],
  ['signal handlers', [], tracked(4, () => ({ alive: 3, via: ['events'] }))],
  ['the network', [], stuck({ via: ['net'] })],
  [
    'they grow',
    [],
    tracked(4, (n) => ({ alive: 30 * n, created: 40 * n, ended: 10 * n, endedMaxMs: 20, endedSinceOldest: 30 })),
  ],
  ['a stopped process', [], [...stuck(), stall({ startMs: 1000, durationMs: 5000, kind: 'host' })]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(stuckAsync, [...rows])).toEqual(expected);
});

test('more and more are stuck, and as many pass: that is growth', () => {
  const rows = tracked(4, (n) => ({
    alive: 30 * n,
    created: 70 * n,
    ended: 40 * n,
    endedMaxMs: 20,
    endedSinceOldest: 40 * n,
  }));
  expect(find(stuckAsync, rows)).toEqual([]);
  expect(find(growingPendingAsync, rows)).toMatchObject([{ kind: 'suspended', severity: 'warning', count: 120 }]);
  const slow = tracked(4, (n) => ({ ...rows[n - 1]!.entries[0]!, endedMaxMs: 5000 }));
  expect(find(growingPendingAsync, slow)).toEqual([]);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  expect(find(stuckAsync, tracked(6, shape))).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(stuckAsync, seconds(4))).toBe('no-data');
});

test('who awaits a stuck call is not told as well', () => {
  const outer = { ...location, line: 60, function: 'route' };
  const one = stuck()[0]!.entries[0]!;
  const rows = tracked(
    4,
    () => ({ ...one, oldestMs: 7900, callers: [outer] }),
    () => ({ ...one, oldestMs: 7900, location: outer }),
  );
  expect(find(stuckAsync, rows)).toMatchObject([{ location, stack: [location, outer] }]);
});

/** An async function that asks at one line and reads the answer at another, called from a third. */
function asking(reading: Partial<UnfinishedEntry> = {}) {
  const ask = { ...location, line: 8, function: 'fetchJson' };
  const caller = { ...location, line: 15, function: 'load' };
  const calls = { alive: 5, created: 400, ended: 395, endedMaxMs: 40, endedSinceOldest: 90 };
  const step = { ...calls, what: 'reaction', type: 'then', location: { ...ask, line: 11 } } as const;
  return tracked(
    4,
    () => ({ ...step, callers: [{ ...caller, column: 30 }], resumed: true, ...reading }),
    () => ({ ...calls, location: caller }),
    () => ({ what: 'handle', type: 'TCPWRAP', via: ['http'], location: ask, callers: [caller], alive: 5 }),
  );
}

test('an answer that has begun and does not end is not the network: the line that reads it is the place', () => {
  expect(find(stuckAsync, asking())).toMatchObject([
    {
      kind: 'answer',
      message:
        '5 calls wait for the rest of an answer that has begun in fetchJson, the oldest for 7.9 s, while 90 that began later ended within 40 ms.',
      location: { line: 11 },
    },
  ]);
  expect(find(missingTimeout, asking())).toEqual([]);
});

test.each<[string, Partial<UnfinishedEntry>]>([
  ['it began before any await', { resumed: false }],
  ['few of the calls read', { alive: 1 }],
  ['what is read comes from the network itself', { via: ['fetch'] }],
])('the network is what is waited for where %s', (_what, reading) => {
  expect(find(stuckAsync, asking(reading))).toEqual([]);
  expect(find(missingTimeout, asking(reading))).toMatchObject([{ kind: 'network', location: { line: 15 } }]);
});

describe('a program that ended while its top level waited', () => {
  const frame = (fields: Partial<Frame>): Frame => ({
    function: 'connect',
    file: '/app.mjs',
    line: 4,
    column: 3,
    category: 'application',
    awaits: true,
    ...fields,
  });
  const ended = (exitCode: number, start = '1:1'): Row[] => [
    ...seconds(1, {}),
    {
      t: 1000,
      type: 'waits',
      trackedMs: 0,
      frames: [frame({}), frame({ function: '', line: 7, start }), frame({ function: 'background', line: 9 })],
      codes: ['', '', ''],
      groups: [
        { count: 1, oldestMs: 0, chain: [1], made: null },
        { count: 1, oldestMs: 0, chain: [0, 1], made: null },
        { count: 3, oldestMs: 0, chain: [2, 0, 2], made: null },
      ],
      pools: [],
    },
    { t: 1001, type: 'end', reason: 'exit', exitCode, signal: null },
  ];

  test('the innermost call that the top level waits for is the place', () => {
    expect(find(stuckAsync, ended(13))).toMatchObject([
      { severity: 'critical', kind: 'top-level', location: { function: 'connect', line: 4 }, count: 1 },
    ]);
  });

  test.each([
    ['it ended otherwise', ended(0)],
    ['no top level waits', ended(13, '3:5')],
  ])('%s: nothing', (_what, rows) => {
    expect(find(stuckAsync, rows)).toEqual([]);
  });
});
