import { expect, test } from 'vitest';
import { traceEvents } from '../../src/exporters/trace/trace-events.ts';
import type { TraceEvent } from '../../src/exporters/trace/types.ts';
import type { Recording, Row } from '../../src/recording/types.ts';
import { header, recordingOf, seconds } from '../support/recording.ts';
import { SICK_ROWS } from '../support/sick-recording.ts';

const sick = (fields: Partial<Recording['header']> = {}, rows: readonly Row[] = SICK_ROWS): Recording => {
  const recording = recordingOf([...rows]);
  return { ...recording, header: { ...header, ...fields } };
};

/** What the viewers insist on; see the format's document. */
function check(events: readonly TraceEvent[]): void {
  const open = new Map<string, number>();
  const ends = new Map<string, number[]>();
  for (const event of events) {
    expect(event).toMatchObject({ name: expect.any(String), pid: expect.any(Number), tid: expect.any(Number) });
    if (event.ph === 'M') continue;
    expect(Number.isInteger(event.ts) && event.ts! >= 0).toBe(true);
    if (event.ph === 'C') expect(Object.values(event.args!).every((value) => Number.isFinite(value))).toBe(true);
    if ('ben'.includes(event.ph)) {
      const key = `${event.cat} ${event.id}`;
      const depth = (open.get(key) ?? 0) + { b: 1, n: 0, e: -1 }[event.ph as 'b' | 'n' | 'e'];
      expect(depth === 0 || depth === 1).toBe(true);
      expect(event.ph === 'n' && depth === 0).toBe(false);
      open.set(key, depth);
    }
    if (event.ph === 'X') {
      // Slices of a thread lie within each other, or apart.
      const stack = ends.get(`${event.pid} ${event.tid}`) ?? [];
      ends.set(`${event.pid} ${event.tid}`, stack);
      while (stack.length > 0 && stack.at(-1)! <= event.ts!) stack.pop();
      expect(event.dur).toBeGreaterThan(0);
      if (stack.length > 0) expect(event.ts! + event.dur!).toBeLessThanOrEqual(stack.at(-1)! + 1);
      stack.push(event.ts! + event.dur!);
    }
  }
  expect([...open.values()].every((depth) => depth === 0)).toBe(true);
}

test('stalls with their stacks, lanes of what waits, figures, markers: as the viewers want them', () => {
  const marker = { pid: header.pid, threadId: 0, atMs: 5000, name: 'critical: blocked', args: { message: 'x' } };
  const { events, dropped } = traceEvents([sick()], [marker]);
  check(events);
  expect(dropped).toBe(0);
  const slices = events.filter(({ ph }) => ph === 'X').map(({ name, ts, dur }) => [name, ts, dur]);
  expect(slices.slice(0, 3)).toEqual([
    ['blocked by sync-fs in handler10', 2_700_000, 300_000],
    ['onRequest', 2_700_000, 300_000],
    ['handler10', 2_700_000, 300_000],
  ]);
  const lanes = events.filter(({ ph }) => ph === 'b').map(({ name }) => name);
  expect(lanes).toEqual(['await reply ask', 'await poll', 'handle Timeout arm']);
  expect(new Set(events.filter(({ ph }) => ph === 'C').map(({ name }) => name))).toContain('heap (MB)');
  expect(events.at(-1)).toMatchObject({ ph: 'i', name: 'critical: blocked', ts: 5_000_000 });
});

test('threads and processes stand at their own times', () => {
  const { startMonotonicMs } = header;
  const { events } = traceEvents([sick(), sick({ threadId: 2, startMonotonicMs: startMonotonicMs + 700 })], []);
  check(events);
  const starts = events
    .filter(({ name }) => name === 'blocked by sync-fs in handler10')
    .map(({ tid, ts }) => [tid, ts]);
  expect(starts).toEqual([
    [0, 2_700_000],
    [0, 7_600_000],
    [2, 3_400_000],
    [2, 8_300_000],
  ]);
  expect(events.filter(({ ph, name }) => ph === 'M' && name === 'thread_name').map(({ args }) => args)).toEqual([
    { name: 'main thread' },
    { name: 'worker 2' },
  ]);
});

test('of a long recording the series are thinned out, stalls stay, and the loss is told', () => {
  const rows = [...SICK_ROWS, ...seconds(5000)].sort((a, b) => a.t - b.t);
  const all = traceEvents([sick({}, rows)], []);
  const { events, dropped } = traceEvents([sick({}, rows)], [], 5000);
  check(events);
  expect(all.dropped).toBe(0);
  expect(events.length).toBeLessThanOrEqual(5000);
  expect(dropped).toBe(all.events.length - events.length);
  expect(events.filter(({ ph }) => ph === 'X')).toHaveLength(all.events.filter(({ ph }) => ph === 'X').length);
});

test('names that want to steer a terminal, or are endless, do neither', () => {
  const evil = `\u001b]0;x\u0007${'y'.repeat(1000)}`;
  const rows = SICK_ROWS.map((row) =>
    row.type === 'stall' ? { ...row, location: { ...row.location!, function: evil } } : row,
  );
  const text = JSON.stringify(traceEvents([sick({}, rows)], []).events);
  expect(text).not.toContain('\\u001b');
  expect(text).not.toContain('y'.repeat(300));
});
