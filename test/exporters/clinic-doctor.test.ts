import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collectionEvents } from '../../src/exporters/clinic-doctor/collections.ts';
import { doctorFolder } from '../../src/exporters/clinic-doctor/files.ts';
import { MAX_SAMPLES, samplesOf } from '../../src/exporters/clinic-doctor/samples.ts';
import { readFamily } from '../../src/recording/reader.ts';
import { type Recording, type Row, rowsOf } from '../../src/recording/types.ts';
import { delayRow, gc, memory, recordingOf, seconds, stall, tempFolder } from '../support/recording.ts';

const HEAD = { samplers: ['event-loop-delay', 'gc', 'memory'] };
const inOrder = (rows: Row[]) => rows.sort((a, b) => a.t - b.t);

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
const delaysOf = (recording: Recording) => samplesOf(recording).map(({ delayMs }) => delayMs);

/** As evdiag reads it, from the folder that it wrote. */
function reread(recording: Recording): Recording {
  const { name, files } = doctorFolder(recording);
  const parent = tempFolder();
  mkdirSync(join(parent, name));
  for (const file of files) writeFileSync(join(parent, name, file.name), file.content);
  return readFamily(parent).recordings[0]!;
}

describe('a recording as clinic doctor samples', () => {
  test('are spread evenly, no more than it bears, also of hours, and no closer than its own', () => {
    for (const [rows, count] of [
      [seconds(1, {}, 1000), 100],
      [seconds(60, {}, 1000), MAX_SAMPLES],
      [seconds(7200, {}, 1000), MAX_SAMPLES],
    ] as const) {
      const recording = recordingOf(rows);
      const times = samplesOf(recording).map(({ t }) => t);
      expect(times).toHaveLength(count);
      expect(times.at(-1)).toBeCloseTo(recording.durationMs);
      expect(times[1]! - times[0]!).toBeCloseTo(recording.durationMs / count);
    }
  });

  test('an even loop has no delay: the tick of the histogram is taken off', () => {
    const rows = seconds(20).map((row) =>
      row.type === 'event-loop-delay' ? { ...row, p50Ms: 10, p90Ms: 10.1, p99Ms: 10.2, maxMs: 12 } : row,
    );
    expect(Math.max(...delaysOf(recordingOf(rows)))).toBeLessThanOrEqual(2);
  });

  test.each([10, 7200])('the median and the longest delay stay what they were, in %d seconds', (count) => {
    const rows = seconds(count, {}, 1000).map((row): Row => {
      if (row.type !== 'event-loop-delay') return row;
      return { ...row, p50Ms: 25, p90Ms: 30, p99Ms: 40, maxMs: row.t === 5000 ? 190 : 60 };
    });
    const delays = delaysOf(recordingOf(rows));
    expect(median(delays)).toBeGreaterThan(10);
    expect(median(delays)).toBeLessThan(20);
    expect(Math.max(...delays)).toBeCloseTo(180);
  });

  test('a stall is one late sample at its end, with none within it', () => {
    const rows = inOrder([
      ...seconds(10, {}, 1000),
      stall({ t: 5400, startMs: 3400, durationMs: 2000 }),
      stall({ t: 8400, startMs: 8000, durationMs: 400, own: true }),
    ]);
    const samples = samplesOf(recordingOf(rows));
    expect(samples.filter(({ delayMs }) => delayMs > 100)).toEqual([expect.objectContaining({ delayMs: 2000 })]);
    expect(samples.filter(({ t }) => t > 3400 && t < 5400)).toEqual([]);
    expect(samples.some(({ t }) => t > 8000 && t < 8400)).toBe(true);
  });

  test('CPU, memory, handles and utilization are those of the rows; what is missing is not invented', () => {
    const rows = seconds(10, { utilization: 0.5, timers: 7 }, 1000);
    expect(samplesOf(recordingOf(rows))[50]).toMatchObject({
      cpu: 0.5,
      memory: { rssBytes: 60e6, heapUsedBytes: 20e6 },
      handles: 7,
      loopUtilization: 50,
    });
    const without = rows.filter(({ type }) => type !== 'event-loop-utilization');
    expect(samplesOf(recordingOf(without))[50]).toMatchObject({ loopUtilization: null });
    expect(samplesOf(recordingOf([delayRow(20)]))).toEqual([]);
  });
});

describe('its collections', () => {
  test('take as long together, by kind, as many as there were up to five', () => {
    const rows = [...seconds(2, { gcMs: 0 }, 1000).filter(({ type }) => type !== 'gc')];
    const recording = recordingOf(
      inOrder([...rows, gc({ t: 2000, count: 40, totalMs: 300, majorCount: 2, majorMs: 120 })]),
      HEAD,
    );
    const real = collectionEvents(recording).filter(({ durationMs }) => durationMs > 0);
    const minor = real.filter(({ name }) => name === 'V8.GCScavenger');
    const major = real.filter(({ name }) => name === 'V8.GCFinalizeMC');
    const sum = (events: typeof real) => events.reduce((total, { durationMs }) => total + durationMs, 0);
    expect([minor.length, major.length]).toEqual([5, 2]);
    expect(sum(minor)).toBeCloseTo(180);
    expect(sum(major)).toBeCloseTo(120);
    for (const { startMs, durationMs } of real) {
      expect(startMs).toBeGreaterThanOrEqual(1000);
      expect(startMs + durationMs).toBeLessThanOrEqual(2000);
    }
  });

  test('if nothing was collected, events of no length say so; if that was not observed, there are none', () => {
    const rows = seconds(5).filter(({ type }) => type !== 'gc');
    const events = collectionEvents(recordingOf(rows, HEAD));
    expect(events.length).toBeGreaterThan(0);
    expect(events.every(({ durationMs }) => durationMs === 0)).toBe(true);
    expect(collectionEvents(recordingOf(rows, { samplers: ['memory'] }))).toEqual([]);
  });

  test('where only a part of the second was observed, the rest was alike', () => {
    const rows = [1000, 2000].map((t) => gc({ t, observedMs: 250, count: 3, totalMs: 50 }));
    const events = collectionEvents(recordingOf([...rows, memory({ t: 2000 })], HEAD));
    const late = events.filter(({ startMs }) => startMs >= 1000);
    expect(late.reduce((total, { durationMs }) => total + durationMs, 0)).toBeCloseTo(200);
  });
});

describe('the folder', () => {
  test('evdiag reads it as what clinic doctor collected', () => {
    const rows = inOrder([
      ...seconds(10, { gcMs: 40, timers: 300, utilization: 0.4 }, 1000),
      stall({ t: 5400, startMs: 4400, durationMs: 1000 }),
    ]);
    const original = recordingOf(rows, HEAD);
    const again = reread(original);
    expect(again.header).toMatchObject({ pid: original.header.pid, startedAt: original.header.startedAt });
    expect(again).toMatchObject({ truncated: false, skippedLines: 0, foreign: 'clinic doctor' });
    expect(rowsOf(again, 'stall').map(({ durationMs }) => durationMs)).toEqual([1000]);
    expect(rowsOf(again, 'memory').at(-1)).toMatchObject({
      rssBytes: 60e6,
      heapUsedBytes: 20e6,
      arrayBuffersBytes: 1e5,
    });
    expect(rowsOf(again, 'active-resources').at(-1)?.total).toBe(300);
    const total = rowsOf(again, 'gc').reduce((sum, { totalMs }) => sum + totalMs, 0);
    expect(total).toBeGreaterThan(350);
    expect(total).toBeLessThan(401);
  });

  test('of nothing is an error that says why', () => {
    expect(() => doctorFolder(recordingOf([]))).toThrow(/too short for clinic doctor/);
  });
});
