import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { printJson, printLargeJson } from '../../src/cli/output.ts';
import { replayOf } from '../../src/cli/replay-json.ts';
import { judge } from '../../src/detectors/judge.ts';
import { traceEvents } from '../../src/exporters/trace/trace-events.ts';
import { readRecording } from '../../src/recording/reader.ts';
import type { Recording } from '../../src/recording/types.ts';
import { buildReport } from '../../src/report/report.ts';
import { frame, recordingOf, seconds, stall } from '../support/recording.ts';

/** A stall every 300 ms, each at a place of its own where `places` is as many. */
function withStalls(count: number, places: number): Recording {
  const rows = Array.from({ length: count }, (_, i) => {
    const location = { file: `/srv/${i % places}.js`, line: 1 + (i % places), column: 1, function: `f${i % places}` };
    const stacks = [{ weightMs: 150, kind: 'js-cpu' as const, frames: [{ ...frame('f'), ...location }], location }];
    return stall({ t: i * 300 + 250, id: i, startMs: i * 300, durationMs: 150 + (i % 7), location, stacks });
  });
  return recordingOf([...seconds(3), ...rows].sort((a, b) => a.t - b.t));
}

test('findings at thousands of places: the worst are listed, and compared with each other', () => {
  const recording = withStalls(5000, 5000);
  const { findings, rules } = judge(recording);
  expect(findings.filter(({ rule }) => rule === 'blocked-event-loop')).toHaveLength(200);
  expect(rules.find(({ rule }) => rule === 'blocked-event-loop')!.why).toBe('5000 found, the 200 worst are listed');
  expect(buildReport([recording]).findings.length).toBeLessThan(300);
});

test('a replay of many stalls at many places comes to an end', () => {
  const { events, findings } = replayOf({ path: '', recordings: [withStalls(20_000, 1000)], unreadable: [] });
  expect(events).toHaveLength(20_000);
  expect(findings.length).toBeGreaterThan(100);
});

test('a timeline that is too small for all stalls has the longest of the whole time', () => {
  const recording = withStalls(7000, 10);
  const { events, dropped } = traceEvents([recording], [], 2500);
  expect(events.length).toBeLessThanOrEqual(2500);
  const shown = events.filter(({ cat, name }) => cat === 'stall' && name.startsWith('blocked by'));
  expect(shown.length).toBeGreaterThan(900);
  expect(shown.every(({ dur }) => dur! >= 155_000)).toBe(true);
  expect(shown.at(-1)!.ts! - shown[0]!.ts!).toBeGreaterThan(0.9 * 7000 * 300_000);
  expect(dropped).toBeGreaterThan(10_000);
});

test('large JSON is the same text, in pieces', () => {
  const value = {
    a: 1,
    none: [],
    list: [{ b: 'x\n"', c: [1, { d: null }] }, 'y'.repeat(3e6), 2],
    last: { e: [] },
    '\u202e': '\u202e',
  };
  const pieces: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => pieces.push(String(text)) > 0);
  printJson(value);
  const whole = pieces.splice(0).join('');
  printLargeJson(value);
  write.mockRestore();
  expect(pieces.length).toBeGreaterThan(1);
  expect(JSON.parse(pieces.join(''))).toEqual(JSON.parse(whole));
  expect(pieces.join('').replace(/"[^"]*":/g, '')).toBe(whole.replace(/"[^"]*":/g, ''));
});

/** How often a field of its stalls is read. */
function readsOf(count: number, work: (recording: Recording) => void): number {
  let reads = 0;
  const recording = withStalls(count, count);
  for (const row of recording.rows) {
    if (row.type !== 'stall') continue;
    for (const name of ['type', 'stacks'] as const) {
      const value = row[name];
      const get = (): typeof value => {
        reads++;
        return value;
      };
      Object.defineProperty(row, name, { enumerable: true, get });
    }
  }
  work(recording);
  return reads;
}

test.each([
  ['judging', (recording: Recording) => judge(recording)],
  ['a timeline', (recording: Recording) => traceEvents([recording], [], 100)],
  ['a replay', (recording: Recording) => replayOf({ path: '', recordings: [recording], unreadable: [] })],
])('%s of four times as many stalls, each at a place of its own, is four times the work', (_, work) => {
  expect(readsOf(1200, work) / readsOf(300, work)).toBeLessThan(6);
});

test('a recording keeps equal frames of its stalls once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-frames-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { header, rows } = withStalls(1000, 10);
  writeFileSync(join(folder, 'recording.ndjson'), [header, ...rows].map((row) => `${JSON.stringify(row)}\n`).join(''));
  const [read] = readRecording(folder);
  const stacks = read!.rows.flatMap((row) => (row.type === 'stall' ? row.stacks : []));
  expect(stacks).toHaveLength(1000);
  expect(new Set(stacks.flatMap(({ frames }) => frames)).size).toBe(10);
  expect(new Set(stacks.map(({ location }) => location)).size).toBe(10);
  expect(read!.rows).toEqual(rows);
});
