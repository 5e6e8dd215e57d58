import { expect, test } from 'vitest';
import { overloadedEventLoop } from '../../src/detectors/rules/overloaded-event-loop.ts';
import {
  asOldFormat,
  deepSample,
  find,
  frame,
  outcome,
  sampled,
  seconds,
  severities,
  stall,
  utilization,
} from '../support/recording.ts';

/** No idle time left, in turns of 50 ms. */
const full = { utilization: 0.95, turnMs: 50 };
const stacks = [
  sampled(60, [frame('indexLine', 14), frame('onLine', 30)]),
  sampled(40, [frame('handler', 12), frame('onRequest', 40)]),
];

test('the function that runs most is the place, the callbacks that the loop calls are told by their share', () => {
  const [finding, ...others] = find(overloadedEventLoop, [...seconds(4, full), deepSample({ stacks })]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'overloaded-event-loop',
    severity: 'warning',
    kind: 'callbacks',
    message:
      'The event loop was full of small callbacks for 4 s, most of them in onLine: a turn took 50 ms on average.',
    location: { file: '/srv/app.js', line: 14, function: 'indexLine' },
    stack: [{ function: 'indexLine' }, { function: 'onLine' }],
    count: 4,
    evidence: {
      busyMs: 4000,
      ownShare: 0.95,
      meanTurnMs: 50,
      cpuShare: 0.95,
      callbacks: ['60 % onLine (/srv/app.js:30)', '40 % onRequest (/srv/app.js:40)'],
    },
  });
});

const calm = seconds(6, { turnMs: 6 });
test.each([
  ['turns of 50 ms', ['warning'], [...seconds(3, full), deepSample()]],
  ['turns of 39 ms', ['info'], [...seconds(3, { ...full, turnMs: 39 }), deepSample()]],
  ['four times the usual turn', ['warning'], [...calm, ...seconds(3, { ...full, turnMs: 25 }, 8000), deepSample()]],
  ['four times the usual turn, too short to notice', ['info'], [...calm, ...seconds(3, { ...full, turnMs: 24 }, 8000)]],
  ['turns of 100 ms for ten seconds', ['critical'], [...seconds(10, { ...full, turnMs: 100 }), deepSample()]],
  ['turns of 100 ms for nine seconds', ['warning'], [...seconds(9, { ...full, turnMs: 100 }), deepSample()]],
  ['nothing waited', ['info'], [...seconds(9, { ...full, waiting: 0 }), deepSample({ waiting: 0 })]],
  ['a burst', [], [...seconds(2, full), deepSample()]],
  ['start-up', [], [...seconds(3, full, 1000), deepSample()]],
  ['some idle time', [], [...seconds(9, { ...full, utilization: 0.87 }), deepSample()]],
  ['waits for a core', [], [...seconds(9, { ...full, cpuMs: 690, runQueueMs: 260 }), deepSample()]],
  ['a core for most of the time', ['info'], [...seconds(9, { ...full, cpuMs: 710, runQueueMs: 240 }), deepSample()]],
  ['a deep sample that saw computation', [], [...seconds(9, full), deepSample({ turnedPairs: 40 })]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(overloadedEventLoop, [...rows])).toEqual(expected);
});

test('without a deep sample there is no place, and less certainty', () => {
  const [finding] = find(overloadedEventLoop, seconds(4, full));
  expect(finding).toMatchObject({ severity: 'warning', location: null, confidence: 0.4 });
  expect(find(overloadedEventLoop, asOldFormat(seconds(4, full)))).toHaveLength(1);
});

test('long calls and breakpoints are not many callbacks', () => {
  const blocked = [...seconds(4, full), stall({ durationMs: 3900 })];
  expect(severities(overloadedEventLoop, blocked)).toEqual([]);
  expect(severities(overloadedEventLoop, [...seconds(4, full), stall({ durationMs: 3900, debugger: true })])).toEqual(
    [],
  );
  expect(
    severities(overloadedEventLoop, [...seconds(4, full), stall({ durationMs: 3900, chain: 'callbacks' })]),
  ).toEqual(['warning']);
});

test('one call of twenty seconds fills no loop with small callbacks, though a deep sample saw some beside it', () => {
  const long = { t: 24_000, startMs: 4000, durationMs: 20_000, kind: 'js-cpu' } as const;
  const blocked = { ...utilization(1, 24_000), activeMs: 20_000 };
  const rows = [...seconds(2, full), blocked, deepSample({ stacks }), stall({ ...long, cpuMs: 20_000 })];
  expect(find(overloadedEventLoop, rows)).toEqual([]);
});

test('a loop whose turns could not be counted has no mean', () => {
  const [finding] = find(overloadedEventLoop, [
    ...seconds(4, { ...full, without: ['event-loop-delay'] }),
    deepSample(),
  ]);
  expect(finding?.message).toMatch(/, most of them in handler\.$/);
});

test('no rows of utilization: no data', () => {
  const without = ['event-loop-utilization'] as const;
  expect(outcome(overloadedEventLoop, seconds(4, { ...full, without }))).toBe('no-data');
  expect(outcome(overloadedEventLoop, seconds(4))).toBe('clear');
});

test('without CPU time of the thread, its share is not known', () => {
  const [finding] = find(overloadedEventLoop, seconds(4, { ...full, without: ['cpu'] }));
  expect(finding?.evidence).toMatchObject({ cpuShare: null });
});
