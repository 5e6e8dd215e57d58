import { describe, expect, test } from 'vitest';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import { taskSwitchChurn } from '../../src/detectors/rules/task-switch-churn.ts';
import type { Location, RowOf } from '../../src/recording/types.ts';
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

type Created = NonNullable<RowOf<'deep-sample'>['created']>;

describe('awaits', () => {
  const busy = { utilization: 0.99 };
  const churning = (fields: Partial<Created> = {}, more: Partial<RowOf<'deep-sample'>> = {}) =>
    deepSample({
      created: created({ promises: 200_000, ...fields }),
      framelessSamples: 40,
      stacks: [sampled(60, [frame('price', 5)], 'microtask')],
      ...more,
    });

  test('the function that awaits is the place, promises are counted by time and by CPU', () => {
    const [finding, ...others] = find(taskSwitchChurn, [...seconds(4, busy), churning()]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      rule: 'task-switch-churn',
      severity: 'warning',
      kind: 'awaits',
      message:
        'The thread was busy for 4 s with awaits of values that were already there in price: 2 million promises a second, one per 0.5 µs of CPU.',
      location: { file: '/srv/app.js', line: 5, function: 'price' },
      count: 1,
      evidence: { busyMs: 4000, promisesPerSecond: 2e6, promisesPerCpuMs: 2000, betweenCallsShare: 0.4 },
    });
  });

  test.each([
    ['a promise per µs', ['warning'], [...seconds(3, busy), churning({ promises: 100_000 })]],
    ['a little fewer', [], [...seconds(3, busy), churning({ promises: 99_000 })]],
    ['nothing waited', ['info'], [...seconds(3, busy), churning({}, { waiting: 0 })]],
    ['a burst', [], [...seconds(2, busy), churning()]],
    ['start-up', [], [...seconds(3, busy, 1000), churning()]],
    ['some idle time', [], [...seconds(9, { utilization: 0.87 }), churning()]],
    ['waits for a core', [], [...seconds(9, { ...busy, cpuMs: 440, runQueueMs: 550 }), churning()]],
    ['no CPU time on the clock', [], [...seconds(9, busy), churning({ cpuMs: 0 })]],
    ['nothing counted', [], [...seconds(9, busy), deepSample({ created: null })]],
    ['a recording of format 1.0', [], asOldFormat([...seconds(9, busy), churning()])],
  ] as const)('%s: %j', (_what, expected, rows) => {
    expect(severities(taskSwitchChurn, [...rows])).toEqual(expected);
  });

  test('where all stacks fell between two calls, there is no place', () => {
    const [finding] = find(taskSwitchChurn, [...seconds(3, busy), churning({}, { stacks: [], framelessSamples: 100 })]);
    expect(finding).toMatchObject({ severity: 'warning', location: null, stack: [], confidence: CONFIDENCE.indirect });
  });
});

describe('polling', () => {
  const spinning = { utilization: 0.99, turns: 100_000, events: 0 };
  const check: Location = { ...location, line: 44, function: 'check' };
  const immediates = { type: 'Immediate', count: 10_000, sites: [{ count: 16, location: check }] };
  const spin = (fields: Partial<RowOf<'deep-sample'>> = {}) =>
    deepSample({ created: created({ resources: [immediates] }), ...fields });
  /** An interval of 1 ms: the loop turns for it, and sleeps in between. */
  const timed = { utilization: 0.2, turns: 700, events: 0 };
  const interval = (fields: Partial<RowOf<'deep-sample'>> = {}) =>
    deepSample({ busySamples: 5, stacks: [], shortIntervals: [{ ...check, line: 50 }], ...fields });

  test('the line that asks for the next turn is the place', () => {
    const [finding, ...others] = find(taskSwitchChurn, [...seconds(4, spinning), spin()]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'warning',
      kind: 'polling',
      message: 'The event loop turned 100 000 times a second for check and found nothing to do, for 4 s.',
      location: check,
      evidence: { turnsPerSecond: 100_000, pollingMs: 4000 },
    });
  });

  test('so is the line that started the interval, unless immediates outnumber it', () => {
    expect(find(taskSwitchChurn, [...seconds(3, timed), interval()])[0]?.location).toMatchObject({ line: 50 });
    const both = spin({ shortIntervals: interval().shortIntervals });
    expect(find(taskSwitchChurn, [...seconds(3, spinning), both])[0]?.location).toMatchObject({ line: 44 });
  });

  test.each([
    ['an interval of a few ms', ['warning'], [...seconds(3, timed), interval()]],
    ['fewer turns', [], [...seconds(3, { ...timed, turns: 399 }), interval()]],
    ['fewer seconds', [], [...seconds(2, timed), interval()]],
    ['no short interval', [], [...seconds(9, timed), interval({ shortIntervals: [] })]],
    ['turns that brought events', [], [...seconds(9, { ...timed, events: 200 }), interval()]],
    ['nothing waited', ['info'], [...seconds(3, timed), interval({ waiting: 0 })]],
    ['no deep sample', [], seconds(9, spinning)],
    ['fewer turns than an empty loop makes', [], [...seconds(9, { ...spinning, turns: 19_000 }), spin()]],
    ['Node that does not count turns', [], [...seconds(9, { ...spinning, without: ['loop-turns'] }), spin()]],
  ] as const)('%s: %j', (_what, expected, rows) => {
    expect(severities(taskSwitchChurn, [...rows])).toEqual(expected);
  });
});

test('neither utilization nor deep samples: no data', () => {
  expect(outcome(taskSwitchChurn, seconds(4, { without: ['event-loop-utilization'] }))).toBe('no-data');
  expect(outcome(taskSwitchChurn, seconds(4))).toBe('clear');
  expect(outcome(taskSwitchChurn, seconds(4, { utilization: 0.97 }))).toBe('no-data');
});
