import { expect, test } from 'vitest';
import { gcPause } from '../../src/detectors/rules/gc-pause.ts';
import { asOldFormat, find, outcome, seconds, severities, stall } from '../support/recording.ts';

const paused = { gcMs: 90, gcMaxMs: 80, heapUsedBytes: 500e6 };
/** A minute in which little else happened. */
const calm = seconds(20, {}, 20_000);

test('the longest pause is told, with the size of the heap', () => {
  const [finding, ...others] = find(gcPause, [...seconds(3, paused), ...calm]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'gc-pause',
    severity: 'warning',
    kind: 'gc',
    message:
      'The garbage collector stopped the main thread for up to 80 ms at a time, with 500 MB of objects on the heap.',
    location: null,
    count: 3,
    evidence: { maxMs: 80, totalMs: 240, heapUsedBytes: 500e6 },
  });
});

const collection = stall({ kind: 'gc', startMs: 1900, durationMs: 300, t: 2250 });
const loading = stall({ kind: 'module-load', startup: true, startMs: 1200, durationMs: 900, t: 2150 });
test.each([
  ['three pauses', ['warning'], [...seconds(3, paused), ...calm]],
  ['two pauses', ['info'], [...seconds(2, paused), ...calm]],
  ['one of a quarter of a second', ['warning'], [...seconds(1, { gcMaxMs: 250 }), ...calm]],
  ['a little less', ['info'], [...seconds(1, { gcMaxMs: 249 }), ...calm]],
  ['below 50 ms', [], [...seconds(9, { gcMaxMs: 49 }), ...calm]],
  ['no longer than other delays', [], seconds(20, { ...paused, p99Ms: 21 })],
  ['nothing waited', ['info'], [...seconds(3, { ...paused, waiting: 0 }), ...seconds(20, { waiting: 0 }, 20_000)]],
  ['start-up', [], [...seconds(1, paused, 1000), ...calm]],
  ['start-up that goes on', [], [...seconds(1, paused), loading, ...calm]],
  ['waits for a core', [], [...seconds(9, { ...paused, cpuMs: 300, runQueueMs: 400 }), ...calm]],
  ['told as a stall', [], [...seconds(1, paused), collection, ...calm]],
  ['a recording of format 1.0', ['info'], asOldFormat([...seconds(3, paused), ...calm])],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(gcPause, [...rows])).toEqual(expected);
});

test('neither collections nor memory: no data', () => {
  expect(outcome(gcPause, seconds(4, { without: ['gc', 'memory'] }))).toBe('no-data');
  expect(outcome(gcPause, calm)).toBe('clear');
  expect(outcome(gcPause, seconds(4, { gcMaxMs: 300, without: ['event-loop-utilization'] }))).toBe('no-data');
});
