import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { InputError, readFamily } from '../../../src/recording/reader.ts';
import { type Recording, rowsOf } from '../../../src/recording/types.ts';
import { isRow, wrongHeaderField } from '../../../src/recording/validate.ts';
import { buildReport } from '../../../src/report/report.ts';
import { tempFolder } from '../../support/recording.ts';

/** Collected by @clinic/doctor 11 on Node 20: a server that blocks for 180 ms now and then, and makes garbage. */
const FIXTURE = fileURLToPath(new URL('../../fixtures/clinic-doctor/32375.clinic-doctor', import.meta.url));
const NAME = '32375.clinic-doctor';

const read = (input: string): Recording => readFamily(input).recordings[0]!;

/** A copy whose files are changed: `null` removes one. */
function changed(
  changes: Partial<Record<'systeminfo' | 'processstat' | 'traceevent', (bytes: Buffer) => Buffer>>,
): string {
  const folder = join(tempFolder(), NAME);
  cpSync(FIXTURE, folder, { recursive: true });
  for (const [what, change] of Object.entries(changes)) {
    const file = join(folder, `${NAME}-${what}`);
    writeFileSync(file, change(readFileSync(file)));
  }
  return folder;
}

describe('a folder of clinic doctor', () => {
  test('gives the rows of the agent, each as the contract wants it', () => {
    const { header, rows, durationMs, truncated, skippedLines } = read(FIXTURE);
    expect(wrongHeaderField({ ...header })).toBeNull();
    expect(rows.filter((row) => !isRow(row))).toEqual([]);
    expect({ truncated, skippedLines }).toEqual({ truncated: false, skippedLines: 0 });
    expect(header).toMatchObject({ pid: 32375, nodeVersion: '20.20.2', platform: 'linux', arch: 'x64' });
    expect(durationMs).toBeCloseTo(4026, -1);
    expect(new Set(rows.map(({ type }) => type))).toEqual(
      new Set(['active-resources', 'cpu', 'event-loop-delay', 'gc', 'memory', 'stall']),
    );
    expect(rows.every((row, i) => row.t >= (rows[i - 1]?.t ?? 0))).toBe(true);
  });

  test('its figures are those that were sampled', () => {
    const recording = read(FIXTURE);
    const delays = rowsOf(recording, 'event-loop-delay');
    expect(delays.reduce((sum, { count }) => sum + count, 0)).toBe(201);
    expect(Math.max(...delays.map(({ maxMs }) => maxMs))).toBeCloseTo(243.18, 2);
    expect(rowsOf(recording, 'memory').at(-1)).toMatchObject({ rssBytes: 221917184, heapUsedBytes: 133635584 });
    expect(rowsOf(recording, 'active-resources').at(-1)).toMatchObject({ total: 4, waiting: 1 });
    // Of V8's 36 scavenges and 32 steps of marking, those within another are not counted twice.
    const gc = rowsOf(recording, 'gc');
    expect(gc.reduce((sum, { majorCount }) => sum + majorCount, 0)).toBe(2);
    const total = gc.reduce((sum, { totalMs }) => sum + totalMs, 0);
    expect(total).toBeGreaterThan(600);
    expect(total).toBeLessThan(666);
    for (const { intervalMs, userMs } of rowsOf(recording, 'cpu')) expect(userMs).toBeLessThan(2 * intervalMs);
  });

  test('what it tells is judged, what it does not tell is no data', () => {
    const report = buildReport([read(FIXTURE)]);
    expect(report.findings[0]).toMatchObject({
      rule: 'blocked-event-loop',
      severity: 'critical',
      location: null,
      remedy: expect.stringContaining('evdiag run'),
    });
    const outcomes = report.rules.filter(({ outcome }) => outcome !== 'no-data').map(({ rule }) => rule);
    expect(outcomes).toEqual(['blocked-event-loop']);
    expect(report.workload.advice).toContain('clinic doctor');
  });

  test.each([
    ['the folder that holds it', dirname(FIXTURE)],
    ['a file in it', join(FIXTURE, `${NAME}-processstat`)],
    ['a slash behind it', `${FIXTURE}/`],
  ])('is found by %s', (_, input) => {
    expect(read(input).header.pid).toBe(32375);
  });

  test('the newest of several', () => {
    const folder = tempFolder();
    cpSync(FIXTURE, join(folder, NAME), { recursive: true });
    mkdirSync(join(folder, '7.clinic-doctor'));
    utimesSync(join(folder, NAME), 1, 1);
    expect(() => read(folder)).toThrow(/7\.clinic-doctor.*does not exist/);
  });
});

describe('a folder that is not whole', () => {
  test.each([1, 40, 73, 75, 8000])('samples cut off at byte %i', (bytes) => {
    const folder = changed({ processstat: (all) => all.subarray(0, bytes) });
    const whole = Math.floor(bytes / 80);
    if (whole === 0) expect(() => read(folder)).toThrow(/no sample/);
    else {
      const recording = read(folder);
      expect(recording.truncated).toBe(bytes % 80 !== 0);
      expect(rowsOf(recording, 'event-loop-delay').reduce((sum, { count }) => sum + count, 0)).toBe(whole);
    }
  });

  test('a trace cut off at any byte gives the collections before that', () => {
    const counts = [0.2, 0.5, 0.9].map((share) => {
      const recording = read(changed({ traceevent: (all) => all.subarray(0, Math.floor(all.length * share)) }));
      expect(recording.truncated).toBe(true);
      return rowsOf(recording, 'gc').reduce((sum, { count }) => sum + count, 0);
    });
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts[2]).toBeGreaterThan(counts[0]!);
  });

  test('without a trace there are no rows of collections', () => {
    const folder = tempFolder({});
    cpSync(FIXTURE, join(folder, NAME), { recursive: true, filter: (file) => !file.endsWith('traceevent') });
    const recording = read(folder);
    expect(rowsOf(recording, 'gc')).toEqual([]);
    expect(recording.header.samplers).not.toContain('gc');
  });

  test('damaged samples are counted, the others are read', () => {
    const folder = changed({
      processstat: (all) => {
        const bytes = Buffer.from(all);
        bytes[2] = 0xff; // the tag of the first field of the first sample
        bytes.writeDoubleLE(Number.NaN, 80 + 3); // the time of the second
        bytes.writeDoubleLE(1e300, 160 + 3);
        return bytes;
      },
    });
    const recording = read(folder);
    expect(recording.skippedLines).toBe(3);
    expect(rowsOf(recording, 'event-loop-delay').reduce((sum, { count }) => sum + count, 0)).toBe(198);
  });

  test('noise in place of each file is an InputError, or is left out', () => {
    const noise = (all: Buffer): Buffer => Buffer.from(all.map((_, i) => (i * 7919) % 256));
    expect(() => read(changed({ systeminfo: noise }))).toThrow(InputError);
    expect(() => read(changed({ processstat: noise }))).toThrow(InputError);
    expect(rowsOf(read(changed({ traceevent: noise })), 'gc')).toEqual([]);
  });

  test.each(['{}', '[]', '{"clock":{"hrtime":"x","unixtime":1}}', '{"clock":{"hrtime":[1,2],"unixtime":1e300}}'])(
    'a system information of %s says what to do',
    (json) => {
      expect(() => read(changed({ systeminfo: () => Buffer.from(json) }))).toThrow(/damaged: .*Collect it again/);
    },
  );
});
