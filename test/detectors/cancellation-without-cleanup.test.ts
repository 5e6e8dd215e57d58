import { expect, test } from 'vitest';
import { cancellationWithoutCleanup } from '../../src/detectors/rules/cancellation-without-cleanup.ts';
import type { RowOf } from '../../src/recording/types.ts';
import { find, location, outcome, seconds, severities, unfinished } from '../support/recording.ts';

type Leftover = RowOf<'aborted'>['leftovers'][number];

const scope = { ...location, line: 50, function: 'route' };
const timer: Leftover = { type: 'Timeout', via: ['timers'], location, callers: [scope], referenced: true, ageMs: 2500 };
const socket: Leftover = { ...timer, type: 'TCPWRAP', via: ['net'], location: { ...location, line: 13 } };
const file: Leftover = {
  ...timer,
  type: 'FILEHANDLE',
  via: ['fs'],
  location: { ...location, line: 70, function: 'openLog' },
};
const aborted = (leftovers: Leftover[], fields: Partial<RowOf<'aborted'>> = {}): RowOf<'aborted'> => ({
  t: 4000,
  type: 'aborted',
  sinceMs: 2000,
  abortedAt: null,
  scope,
  leftovers,
  ...fields,
});
const young = { referenced: true, ageMs: 900 };

test('what is left of a scope is one finding', () => {
  const [finding, ...others] = find(cancellationWithoutCleanup, [
    aborted([timer, socket]),
    aborted([timer, file], { abortedAt: scope }),
  ]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'cancellation-without-cleanup',
    severity: 'warning',
    kind: 'leftover',
    message: '2 aborted units of work of route left 2 timers, 1 socket and 1 file behind, the oldest 2.5 s old.',
    remedy:
      'Clean up in a finally block when the signal aborts: clear the timer (`clearTimeout`, or `setTimeout` of timers/promises with the signal), destroy the socket and close the file.',
    location,
    stack: [location, scope],
    count: 2,
    evidence: {
      units: 2,
      ageMs: 2500,
      leftovers: [
        { type: 'Timeout', line: 12, count: 2 },
        { type: 'TCPWRAP', line: 13, count: 1 },
        { type: 'FILEHANDLE', line: 70, count: 1 },
      ],
    },
  });
});

test.each([
  ['one, referenced for 1 s', ['warning'], [aborted([{ ...timer, ageMs: 1000 }])]],
  ['a moment ago', ['info'], [aborted([timer], { sinceMs: 900 })]],
  ['one, young', ['info'], [aborted([{ ...timer, ...young }])]],
  ['two of one line, young', ['warning'], [aborted([{ ...timer, ...young }]), aborted([{ ...timer, ...young }])]],
  ['one, unreferenced', ['info'], [aborted([{ ...timer, referenced: false }])]],
  ['an idle socket of a pool', [], [aborted([{ ...socket, via: ['http', 'net'], referenced: false }])]],
  ['a request that goes on', ['warning'], [aborted([{ ...socket, via: ['http', 'net'] }])]],
  ['outside the user’s code', [], [aborted([{ ...timer, location: null }])]],
  ['two functions, of no scope', ['warning', 'warning'], [aborted([timer, file], { scope: null })]],
  ['one function in two scopes', ['warning'], [aborted([timer]), aborted([socket], { scope: { ...scope, line: 60 } })]],
  ['cured', [], [aborted([])]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(cancellationWithoutCleanup, [...rows])).toEqual(expected);
});

test('nothing was tracked: no data', () => {
  expect(outcome(cancellationWithoutCleanup, seconds(4))).toBe('no-data');
  expect(outcome(cancellationWithoutCleanup, [unfinished(2000, [])])).toBe('clear');
});
