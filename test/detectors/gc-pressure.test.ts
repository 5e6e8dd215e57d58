import { expect, test } from 'vitest';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import { gcPressure } from '../../src/detectors/rules/gc-pressure.ts';
import type { Location } from '../../src/recording/types.ts';
import {
  asOldFormat,
  deepSample,
  find,
  frame,
  gc,
  location,
  outcome,
  sampled,
  seconds,
  severities,
} from '../support/recording.ts';

const pressed = { utilization: 0.9, gcMs: 200 };
const place = (name: string): Location => ({ ...location, line: 3, function: name });
const allocating = deepSample({
  stacks: [sampled(90, [frame('copy', 5), frame('onRequest', 40)]), sampled(10, [frame('copy', 6)])],
  allocations: [
    { bytes: 300e6, location: place('copy') },
    { bytes: 100e6, location: place('join') },
  ],
});

test('the function that allocates most is the place, at the line that stacks saw most', () => {
  const [finding, ...others] = find(gcPressure, [...seconds(4, pressed), allocating]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'gc-pressure',
    severity: 'warning',
    kind: 'allocation',
    message: 'The garbage collector took 20 % of 4 s; most is allocated in copy.',
    location: { file: '/srv/app.js', line: 5, function: 'copy' },
    stack: [{ function: 'copy' }, { function: 'onRequest' }],
    // Collections: ten in each second.
    count: 40,
    times: { totalMs: 800 },
    evidence: {
      gcShare: 0.2,
      pressedMs: 4000,
      allocatedBytesPerSecond: 200e6,
      allocations: ['75 % copy (/srv/app.js:3)', '25 % join (/srv/app.js:3)'],
    },
  });
});

test.each([
  ['12 % of the time', ['warning'], seconds(3, { ...pressed, gcMs: 120 })],
  ['11 % of the time', [], seconds(9, { ...pressed, gcMs: 110 })],
  ['40 % of the time', ['critical'], seconds(3, { ...pressed, gcMs: 400 })],
  ['39 % of the time', ['warning'], seconds(3, { ...pressed, gcMs: 390 })],
  ['nothing waited', ['info'], [...seconds(9, { ...pressed, waiting: 0 }), { ...allocating, waiting: 0 }]],
  ['a burst', [], [...seconds(2, pressed), allocating]],
  ['start-up', [], [...seconds(3, pressed, 1000), allocating]],
  ['a busy host, few collections', [], seconds(9, { ...pressed, gcMs: 50, cpuMs: 100, runQueueMs: 800 })],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(gcPressure, [...rows])).toEqual(expected);
});

test('where only a part of the second was observed, the share is of that part', () => {
  const parts = [2000, 3000, 4000].map((t) => gc({ t, totalMs: 60, observedMs: 200 }));
  const [finding] = find(gcPressure, [...seconds(3, { without: ['gc'] }), ...parts]);
  expect(finding?.evidence).toMatchObject({ gcShare: 0.3 });
});

test('without a deep sample there is no place; a recording of format 1.0 is read', () => {
  expect(find(gcPressure, seconds(3, pressed))).toMatchObject([
    { location: null, stack: [], confidence: CONFIDENCE.indirect },
  ]);
  const old = asOldFormat([...seconds(3, pressed), allocating]);
  expect(find(gcPressure, old)).toMatchObject([{ severity: 'info', evidence: { gcShare: 0.2 } }]);
});

test('an allocation that no stack saw is at its function', () => {
  const [finding] = find(gcPressure, [...seconds(3, pressed), { ...allocating, stacks: [] }]);
  expect(finding).toMatchObject({ location: place('copy'), stack: [] });
});

test('neither collections nor memory: no data', () => {
  expect(outcome(gcPressure, seconds(4, { without: ['gc', 'memory'] }))).toBe('no-data');
  expect(outcome(gcPressure, seconds(4, { without: ['gc'] }))).toBe('clear');
});

test('collections, but nobody read how busy the seconds were: no data', () => {
  expect(outcome(gcPressure, seconds(4, { ...pressed, without: ['event-loop-utilization'] }))).toBe('no-data');
});
