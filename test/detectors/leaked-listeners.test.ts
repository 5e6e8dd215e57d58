import { expect, test } from 'vitest';
import { leakedListeners } from '../../src/detectors/rules/leaked-listeners.ts';
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

const listener = { what: 'listener', type: 'emitter', detail: 'Bus price' } as const;
const leak = (fields: Partial<UnfinishedEntry> = {}) => tracked(4, (n) => ({ ...listener, alive: 30 * n, ...fields }));

test('those that Node adds for each worker thread are no leak of listeners', () => {
  expect(severities(leakedListeners, leak({ via: ['worker', 'streams'] }))).toEqual([]);
});

test('the line that adds them is the place', () => {
  expect(find(leakedListeners, leak())).toMatchObject([
    {
      rule: 'leaked-listeners',
      severity: 'warning',
      kind: 'emitter',
      message: '120 listeners of Bus price were added in handler and not removed, 90 of them in 6 s.',
      location,
      count: 120,
      evidence: { alive: 120, target: 'Bus price' },
    },
  ]);
});

test.each([
  ['of a target', ['event-target'], leak({ type: 'event-target' })],
  ['of a signal', ['abort-signal'], leak({ type: 'abort-signal' })],
  ['twenty', ['emitter'], tracked(4, (n) => ({ ...listener, alive: 5 * n }))],
  ['sixteen', [], tracked(4, (n) => ({ ...listener, alive: 4 * n }))],
  ['cured: removed as others are added', [], leak({ alive: 3, oldestMs: 100 })],
  ['which another line adds to the same emitter', [], leak({ created: 30 })],
  ['one for each connection', [], withInbound(5000, leak())],
  ['of an unknown sort', [], leak({ type: 'other' })],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(find(leakedListeners, [...rows]).map(({ kind }) => kind)).toEqual(expected);
});

test.each(Object.entries(HEALTHY_SHAPES))('%s: silence', (_what, shape) => {
  expect(
    severities(
      leakedListeners,
      tracked(6, (n, t) => ({ ...listener, ...shape(n, t) })),
    ),
  ).toEqual([]);
});

test('no rows: no data', () => {
  expect(outcome(leakedListeners, seconds(4))).toBe('no-data');
});
