import { expect, test } from 'vitest';
import { unhandledRejections } from '../../src/detectors/rules/unhandled-rejections.ts';
import type { RowOf } from '../../src/recording/types.ts';
import { find, location, outcome, seconds, severities, unfinished } from '../support/recording.ts';

const call = { ...location, line: 30, function: 'main' };
const rejection = (fields: Partial<RowOf<'rejection'>> = {}): RowOf<'rejection'> => ({
  t: 2500,
  type: 'rejection',
  kind: 'swallowed',
  count: 3,
  error: 'TypeError',
  location,
  call: null,
  ...fields,
});

test('the call that nobody awaits is the place, and the error’s the stack', () => {
  expect(find(unhandledRejections, [rejection({ call }), rejection({ call, count: 4 })])).toMatchObject([
    {
      rule: 'unhandled-rejections',
      severity: 'warning',
      kind: 'swallowed',
      message:
        "A rejection of main (TypeError) was not handled and was swallowed by the application's handler, 7 times in total, first at 2.5 s.",
      location: call,
      stack: [call, location],
      count: 7,
      span: { firstMs: 2500 },
      evidence: { error: 'TypeError', rejections: 7 },
    },
  ]);
});

test.each([
  ['two swallowed', ['info'], [rejection({ count: 2 })]],
  ['two and one', ['warning'], [rejection({ count: 2 }), rejection({ count: 1 })]],
  [
    'two at one place, one at another',
    ['info', 'info'],
    [rejection({ count: 2 }), rejection({ count: 1, location: call })],
  ],
  ['a fatal one', ['critical'], [rejection({ kind: 'fatal', count: 1 })]],
  ['late ones', ['info'], [rejection({ kind: 'late', count: 9 })]],
  ['many late ones', ['warning'], [rejection({ kind: 'late', count: 10 })]],
  [
    'nowhere, of two classes',
    ['warning', 'info'],
    [rejection({ location: null }), rejection({ location: null, error: 'E', count: 1 })],
  ],
  ['cured', [], [unfinished(2000, [])]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(unhandledRejections, [...rows])).toEqual(expected);
});

test('nothing was tracked: no data', () => {
  expect(outcome(unhandledRejections, seconds(4))).toBe('no-data');
  expect(outcome(unhandledRejections, [unfinished(2000, [])])).toBe('clear');
});
