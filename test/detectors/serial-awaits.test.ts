import { describe, expect, test } from 'vitest';
import { serialAwaits } from '../../src/detectors/rules/serial-awaits.ts';
import type { Independent, Row, SerialEntry, SerialStep } from '../../src/recording/types.ts';
import { cpu, find, location, outcome, severities, unfinished, utilization } from '../support/recording.ts';

/** `count` waits of `ms` each, in one call. */
const step = (count: number, ms: number, fields: Partial<SerialStep> = {}): SerialStep => ({
  location,
  code: 'user(id)',
  count,
  waitedMs: count * ms,
  pauses: 0,
  longest: { count, waitedMs: count * ms, maxMs: ms },
  ...fields,
});
const loop: Independent = { kind: 'loop', steps: [0] };

function rows(entry: Partial<SerialEntry>, more: Row[] = []): Row[] {
  const whole = { location, callers: [], runs: 1, atOnce: 1, steps: [], independent: [loop], ...entry };
  return [unfinished(2000, []), { t: 2000, type: 'serial', trackedMs: 2000, entries: [whole] }, ...more];
}

test('a loop that waits for each of a hundred is one finding, with the time that they would take together', () => {
  const [finding, ...others] = find(serialAwaits, rows({ steps: [step(100, 20)] }));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'loop',
    severity: 'warning',
    message:
      'handler awaited 100 operations one after another, for 2 s in one call, though none needs the result of another: 10 at a time, they would take about 200 ms.',
    location: { line: 12 },
    count: 100,
    evidence: { operations: 100, serialMs: 2000, longestMs: 20, achievableMs: 200, runs: 1, awaited: ['user(id)'] },
  });
});

test('the newest counts of a function are judged, and what waits longest in a turn is the place', () => {
  const body = step(100, 2, { location: { ...location, line: 14 }, code: 'answer.json()' });
  const all = [
    ...rows({ steps: [step(6, 20)] }),
    ...rows({ steps: [body, step(100, 20)], independent: [{ kind: 'loop', steps: [0, 1] }] }),
  ];
  const [finding, ...others] = find(serialAwaits, all);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    location: { line: 12 },
    alsoAt: [{ line: 14 }],
    evidence: { serialMs: 2200, longestMs: 22, achievableMs: 220 },
  });
});

test('questions that are asked one after another take as long as the longest of them, together', () => {
  const steps = [step(20, 60), step(20, 80, { location: { ...location, line: 13 } }), step(20, 70)];
  const [finding] = find(serialAwaits, rows({ runs: 20, steps, independent: [{ kind: 'sequence', steps: [0, 1] }] }));
  expect(finding).toBeUndefined();
  const [longer] = find(serialAwaits, rows({ runs: 20, steps, independent: [{ kind: 'sequence', steps: [0, 1, 2] }] }));
  expect(longer).toMatchObject({
    kind: 'sequence',
    severity: 'warning',
    location: { line: 13 },
    evidence: { operations: 3, serialMs: 210, longestMs: 80, achievableMs: 80, runs: 20 },
  });
});

describe('it is silent', () => {
  const cases: [string, Row[]][] = [
    ['where the text shows no independence', rows({ steps: [step(100, 20)], independent: [] })],
    ['where a few turns are made', rows({ steps: [step(4, 200)] })],
    ['where the time is short', rows({ steps: [step(10, 11)] })],
    [
      'where one operation takes nearly all of it',
      rows({ steps: [step(10, 40, { longest: { count: 10, waitedMs: 400, maxMs: 310 } })] }),
    ],
    ['where hardly anything is waited for', rows({ steps: [step(300, 1.9)] })],
    ['where timers make it wait', rows({ steps: [step(100, 20, { pauses: 30 })] })],
    [
      'where calls share the list',
      rows({ steps: [step(100, 20)], atOnce: 4, independent: [{ ...loop, shared: true }] }),
    ],
    ['where the thread is busy', rows({ steps: [step(100, 20)] }, [utilization(0.9, 2000)])],
    ['where the index leads nowhere', rows({ steps: [step(100, 20)], independent: [{ kind: 'loop', steps: [3] }] })],
  ];
  test.each(cases)('%s', (_what, all) => {
    expect(severities(serialAwaits, all)).toEqual([]);
  });
});

test('just above its limits it is not', () => {
  expect(severities(serialAwaits, rows({ steps: [step(14, 20)] }))).toEqual(['warning']);
  expect(severities(serialAwaits, rows({ steps: [step(100, 20, { pauses: 29 })] }, [utilization(0.6, 2000)]))).toEqual([
    'warning',
  ]);
  expect(severities(serialAwaits, rows({ steps: [step(100, 20)], independent: [{ ...loop, shared: true }] }))).toEqual([
    'warning',
  ]);
});

test('a function that awaits in turn and has nothing of it found is clear, and without rows there is no answer', () => {
  expect(outcome(serialAwaits, [unfinished(2000, [])])).toBe('clear');
  expect(outcome(serialAwaits, [cpu()])).toBe('no-data');
});
