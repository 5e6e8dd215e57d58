import { expect, test } from 'vitest';
import { deepAsyncChain } from '../../src/detectors/rules/deep-async-chain.ts';
import type { RowOf } from '../../src/recording/types.ts';
import {
  asOldFormat,
  created,
  deepSample,
  find,
  frame,
  location,
  outcome,
  sampled,
  seconds,
  severities,
} from '../support/recording.ts';

type Deepest = NonNullable<RowOf<'deep-sample'>['deepest']>;

const walk = { ...location, line: 8, function: 'walk' };
const deep = (fields: Partial<Deepest> = {}, more: Partial<RowOf<'deep-sample'>> = {}) =>
  deepSample({ deepest: { frames: 5010, repeated: 5000, location: walk, awaits: true, ...fields }, ...more });

test('the function that awaits itself is the place', () => {
  const [finding, ...others] = find(deepAsyncChain, [deep({ repeated: 3000 }), deep()]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'deep-async-chain',
    severity: 'warning',
    kind: 'async',
    message: 'walk awaited itself 5000 levels deep.',
    location: walk,
    count: 2,
    evidence: { depth: 5000, frames: 5010 },
  });
});

test.each([
  ['it awaits', 'async', deep()],
  [
    'it awaits, as another stack tells',
    'async',
    deep({ awaits: false }, { stacks: [sampled(1, [frame('walk', 8, { awaits: true })])] }),
  ],
  ['a promise per level', 'async', deep({ awaits: false }, { created: created({ promises: 6000 }) })],
  ['no promises', 'callbacks', deep({ awaits: false })],
  ['nobody counted promises', 'callbacks', deep({ awaits: false }, { created: null })],
] as const)('%s: kind %s', (_what, kind, row) => {
  expect(find(deepAsyncChain, [row])).toMatchObject([{ kind }]);
});

test.each([
  ['a thousand frames', ['warning'], [deep({ repeated: 1000 })]],
  ['fewer', [], [deep({ repeated: 999 })]],
  ['nothing waited', ['info'], [deep({}, { waiting: 0 })]],
  ['nobody asked what waits', ['warning'], [...seconds(1), deep({}, { waiting: null })]],
  ['two functions', ['warning', 'warning'], [deep(), deep({ location: { ...walk, function: 'visit' } })]],
  ['no deep stack', [], [deepSample()]],
  ['a recording of format 1.0', [], asOldFormat([...seconds(4), deep()])],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(deepAsyncChain, [...rows])).toEqual(expected);
});

test('no deep samples: no data', () => {
  expect(outcome(deepAsyncChain, seconds(4))).toBe('no-data');
  expect(outcome(deepAsyncChain, [deepSample()])).toBe('clear');
  expect(outcome(deepAsyncChain, [deepSample({ samples: 0, busySamples: 0, stacks: [] })])).toBe('no-data');
});
