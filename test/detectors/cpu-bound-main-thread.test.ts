import { expect, test } from 'vitest';
import { cpuBoundMainThread } from '../../src/detectors/rules/cpu-bound-main-thread.ts';
import type { RowOf } from '../../src/recording/types.ts';
import { deepSample, find, frame, outcome, sampled, seconds, severities } from '../support/recording.ts';

/** No idle time left, in turns of 25 ms. */
const busy = { utilization: 0.95, turnMs: 25 };
const stacks = [sampled(80, [frame('render', 7), frame('onRequest', 40)]), sampled(20, [frame('handler')])];
/** Of its successive stacks, a third are of one callback, and most are of one function. */
const computing = (fields: Partial<RowOf<'deep-sample'>> = {}) =>
  deepSample({ pairs: 90, turnedPairs: 60, stacks, ...fields });

test('the function that computes is the place', () => {
  const [finding, ...others] = find(cpuBoundMainThread, [...seconds(4, busy), computing()]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'cpu-bound-main-thread',
    severity: 'warning',
    kind: 'computation',
    message:
      'render computed for 80 % of 4 s in which the main thread had no idle time: a turn of the loop took 25 ms on average.',
    location: { file: '/srv/app.js', line: 7, function: 'render' },
    stack: [{ function: 'render' }, { function: 'onRequest' }],
    count: 4,
    evidence: { busyMs: 4000, functionShare: 0.8, cpuShare: 0.95, meanTurnMs: 25 },
  });
});

test.each([
  ['turns of 12 ms', ['warning'], [...seconds(3, { ...busy, turnMs: 12 }), computing()]],
  ['turns of 11 ms', ['info'], [...seconds(3, { ...busy, turnMs: 11 }), computing()]],
  ['half a minute', ['critical'], [...seconds(30, busy), computing()]],
  ['a second less', ['warning'], [...seconds(29, busy), computing()]],
  ['nothing waited', ['info'], [...seconds(30, { ...busy, waiting: 0 }), computing({ waiting: 0 })]],
  ['a burst', [], [...seconds(2, busy), computing()]],
  ['start-up', [], [...seconds(3, busy, 1000), computing()]],
  ['some idle time', [], [...seconds(9, { ...busy, utilization: 0.87 }), computing()]],
  ['waits for a core', [], [...seconds(9, { ...busy, cpuMs: 500, runQueueMs: 450 }), computing()]],
  ['waits in synchronous calls', [], [...seconds(9, { ...busy, cpuMs: 690 }), computing()]],
  ['no deep sample', [], seconds(9, busy)],
  ['each stack of another callback', [], [...seconds(9, busy), computing({ turnedPairs: 80 })]],
  ['too few pairs to tell', [], [...seconds(9, busy), computing({ pairs: 7, turnedPairs: 0 })]],
  ['no function with half of the stacks', [], [...seconds(9, busy), computing({ stacks: halves(49) })]],
  ['a deep sample at an idle loop', [], [...seconds(9, busy), computing({ busySamples: 49 })]],
  ['a deep sample of too few stacks', [], [...seconds(9, busy), computing({ samples: 9, busySamples: 9 })]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(cpuBoundMainThread, [...rows])).toEqual(expected);
});

function halves(count: number) {
  return [count, 25, 75 - count].map((n, i) => sampled(n, [frame(`step${i}`)]));
}

test('CPU time that is not known does not silence it', () => {
  const [finding] = find(cpuBoundMainThread, [...seconds(3, { ...busy, without: ['cpu'] }), computing()]);
  expect(finding).toMatchObject({ severity: 'warning', evidence: { cpuShare: null } });
});

test('the remedy tells how many cores there are for workers', () => {
  const remedy = (containerCpus: number | null) =>
    find(cpuBoundMainThread, [...seconds(3, busy), computing()], { containerCpus })[0]?.remedy;
  expect(remedy(null)).toMatch(/This machine has 4 cores\.$/);
  expect(remedy(1.5)).toMatch(/has 1\.5 cores\.$/);
  expect(remedy(1)).toMatch(/has one core: .*\.$/);
});

test('a function without a name begins the sentence all the same', () => {
  const [finding] = find(cpuBoundMainThread, [...seconds(3, busy), computing({ stacks: [sampled(9, [frame('')])] })]);
  expect(finding?.message).toMatch(/^An anonymous function computed/);
});

test('neither utilization nor deep samples: no data', () => {
  expect(outcome(cpuBoundMainThread, seconds(4, { ...busy, without: ['event-loop-utilization'] }))).toBe('no-data');
  expect(outcome(cpuBoundMainThread, [deepSample()])).toBe('no-data');
});

test('busy, and no deep sample was taken: no data; with one that saw something else: clear', () => {
  expect(outcome(cpuBoundMainThread, seconds(4, busy))).toBe('no-data');
  expect(outcome(cpuBoundMainThread, [...seconds(4, busy), deepSample()])).toBe('clear');
  expect(outcome(cpuBoundMainThread, seconds(4))).toBe('clear');
});
