import { expect, test } from 'vitest';
import { traceEvents } from '../../src/exporters/trace/trace-events.ts';
import type { Recording, Row } from '../../src/recording/types.ts';
import { header, recordingOf, seconds, stall } from '../support/recording.ts';
import { SICK_ROWS } from '../support/sick-recording.ts';
import { checkTrace } from '../support/trace-format.ts';

const sick = (fields: Partial<Recording['header']> = {}, rows: readonly Row[] = SICK_ROWS): Recording => {
  const recording = recordingOf([...rows]);
  return { ...recording, header: { ...header, ...fields } };
};

test('stalls with their stacks, lanes of what waits, figures, markers: as the viewers want them', () => {
  const marker = { pid: header.pid, threadId: 0, atMs: 5000, name: 'critical: blocked', args: { message: 'x' } };
  const { events, dropped } = traceEvents([sick()], [marker]);
  checkTrace(events);
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

test('stalls that seem to overlap stand one after the other', () => {
  const rows = [stall({ startMs: 1000, durationMs: 400 }), stall({ startMs: 1390, durationMs: 300 })];
  const { events } = traceEvents([sick({}, rows)], []);
  checkTrace(events);
  const blocked = events.filter(({ name }) => name.startsWith('blocked'));
  expect(blocked.map(({ ts, dur }) => [ts, dur])).toEqual([
    [1_000_000, 400_000],
    [1_400_000, 290_000],
  ]);
});

test('a stall that follows at once begins where the one before ends, however both are rounded', () => {
  for (let part = 0; part < 1; part += 0.1) {
    const startMs = 1000 + part / 1000;
    const rows = [stall({ startMs, durationMs: 0.2004 }), stall({ startMs: startMs + 0.2004, durationMs: 300 })];
    const { events } = traceEvents([sick({}, rows)], []);
    checkTrace(events);
    const [first, second] = events.filter(({ name }) => name.startsWith('blocked'));
    expect(first!.ts! + first!.dur!).toBe(second!.ts);
  }
});

test('threads and processes stand at their own times', () => {
  const { startMonotonicMs } = header;
  const { events } = traceEvents([sick(), sick({ threadId: 2, startMonotonicMs: startMonotonicMs + 700 })], []);
  checkTrace(events);
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
  checkTrace(events);
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
