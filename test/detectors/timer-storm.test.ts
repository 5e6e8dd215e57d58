import { expect, test } from 'vitest';
import { timerStorm } from '../../src/detectors/rules/timer-storm.ts';
import type { Location } from '../../src/recording/types.ts';
import {
  asOldFormat,
  created,
  deepSample,
  find,
  location,
  outcome,
  seconds,
  severities,
} from '../support/recording.ts';

const schedule: Location = { ...location, line: 17, function: 'schedule' };
const storm = { utilization: 0.95, timers: 20_000 };
/** So many timers are made in 100 ms. */
const making = (count: number, place: Location | null = schedule) =>
  deepSample({
    created: created({ resources: [{ type: 'Timeout', count, sites: [{ count: 16, location: place }] }] }),
  });

test('the line that makes the timers is the place', () => {
  const [finding, ...others] = find(timerStorm, [...seconds(4, storm), making(3000)]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'timer-storm',
    severity: 'warning',
    kind: 'timers',
    message: '20000 timers were alive at once, and 30000 made per second in schedule.',
    location: schedule,
    count: 4,
    evidence: { timers: 20_000, timersPerSecond: 30_000, seconds: 4 },
  });
});

test.each([
  ['5000 alive, 5000 a second', ['warning'], [...seconds(3, { timers: 5000 }), making(500)]],
  ['100 000 alive', ['critical'], [...seconds(3, { timers: 100_000 }), making(500)]],
  [
    'most have fired when they are counted',
    ['warning'],
    [
      ...[2302, 2549, 9, 29_388].flatMap((timers, i) => seconds(1, { utilization: 0.95, timers }, 2000 + 1000 * i)),
      making(500),
    ],
  ],
  ['fewer alive: connections', [], [...seconds(9, { timers: 4999 }), making(500)]],
  ['few are made: they live long', [], [...seconds(9, storm), making(499)]],
  ['two readings: a burst', [], [...seconds(2, storm), making(500)]],
  ['no deep sample', [], seconds(9, storm)],
  ['nothing counted', [], [...seconds(9, storm), deepSample({ created: null })]],
  ['no time on the clock', [], [...seconds(9, storm), deepSample({ created: { ...making(500).created!, wallMs: 0 } })]],
  ['a recording of format 1.0', [], asOldFormat([...seconds(9, storm), making(500)])],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(timerStorm, [...rows])).toEqual(expected);
});

test('a storm outside the user’s code has no place', () => {
  expect(find(timerStorm, [...seconds(3, storm), making(500, null)])).toMatchObject([
    { location: null, confidence: 0.6 },
  ]);
});

test('no readings of resources: no data', () => {
  expect(outcome(timerStorm, seconds(4, { without: ['active-resources'] }))).toBe('no-data');
  expect(outcome(timerStorm, seconds(4))).toBe('clear');
});

test.each([
  ['no deep sample', seconds(9, storm)],
  ['a deep sample that counted nothing', [...seconds(9, storm), deepSample({ created: null })]],
])('many timers, and %s: no data', (_what, rows) => {
  expect(outcome(timerStorm, rows)).toBe('no-data');
});

test('many timers, few of them new: clear', () => {
  expect(outcome(timerStorm, [...seconds(9, storm), making(499)])).toBe('clear');
});
