import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inputProfile } from '../../src/cli/profile/profile-input.ts';
import { cpuprofile } from '../../src/exporters/cpuprofile.ts';
import { totalOf, withoutIdle } from '../../src/profile/call-tree.ts';
import { readCpuProfile } from '../../src/profile/read-cpuprofile.ts';
import { tableOf } from '../../src/profile/table.ts';
import { tempFolder } from '../support/recording.ts';
import { ROOT } from '../support/run-agent.ts';

const FIXTURES = join(ROOT, 'test/fixtures');
const fixture = (folder: string) => inputProfile(join(FIXTURES, folder));
const file = (folder: string): Record<string, unknown> => {
  const name = readdirSync(join(FIXTURES, folder)).find((one) => one.endsWith('.cpuprofile'))!;
  return JSON.parse(readFileSync(join(FIXTURES, folder, name), 'utf8'));
};
const spinOf = (profile: ReturnType<typeof inputProfile>) =>
  tableOf(profile, 'function').rows.find(({ name }) => name === 'spin')!;

describe('a second of sleep is idle time', () => {
  test.each([
    ['bun', 8, 280_000],
    ['deno', 8, 280_000],
    ['v8-profiler/old.cpuprofile', 4, 280_000],
    ['v8-log/node-24.log.json', 1, 480_000],
    ['v8-log/node-26.log.json', 1, 480_000],
  ])('%s', (folder, line, us) => {
    const profile = fixture(folder);
    const [thread] = profile.threads;
    const spin = spinOf(profile);
    expect(spin.location).toMatchObject({ line });
    expect(spin.self).toBeGreaterThan(us * 0.7);
    expect(spin.self).toBeLessThan(us * 1.4);
    const idle = totalOf(thread!) - totalOf(withoutIdle(thread!));
    expect(idle).toBeGreaterThan(950_000);
    // The host was busy at times: then there are no ticks either.
    expect(idle).toBeLessThan(1_200_000);
    expect(profile.kind).toBe('cpu');
  });
});

describe('Bun', () => {
  test('its clock is the wall’s, which is not the one of recordings; no sample is missed while the thread waits', () => {
    const [thread] = fixture('bun').threads;
    expect(thread!.origin).toMatchObject({ startUs: null, pid: 16882, threadId: 0 });
    expect(thread!.taken).toMatchObject({ missedCount: null, sampleCount: 51 });
    expect(thread!.taken!.spanUs).toBeGreaterThan(1.2e6);
  });

  test('lines have their share of the work, none of the sleep', () => {
    const { rows, all } = tableOf(fixture('bun'), 'line');
    expect(rows.map(({ location }) => location?.line)).toEqual([11, 13]);
    expect(rows.reduce((sum, { self }) => sum + self, 0)).toBeCloseTo(all, -2);
  });

  test('written and read again, it stays idle', () => {
    const profile = fixture('bun');
    const again = readCpuProfile(JSON.parse(String(cpuprofile.write(profile))));
    expect(totalOf(withoutIdle(again)) / totalOf(withoutIdle(profile.threads[0]!))).toBeCloseTo(1, 3);
  });

  test('a profile of V8 without a moment of rest keeps its gaps', () => {
    const { nodes, samples, timeDeltas } = file('bun');
    const thread = readCpuProfile({ nodes, samples, timeDeltas, startTime: 5e6, endTime: 6.4e6 });
    expect(totalOf(withoutIdle(thread))).toBe(totalOf(thread));
    expect(thread.taken!.missedCount).toBeGreaterThan(100);
  });
});

describe('Deno', () => {
  test('ticks of the transpiled code are no lines of the source; those of JavaScript are', () => {
    expect(tableOf(fixture('deno'), 'line').rows.filter(({ name }) => name === 'spin')).toEqual([]);
    const text = JSON.stringify(file('deno')).replaceAll('sleepy.ts', 'sleepy.js');
    const ofJs = { ...fixture('deno'), threads: [readCpuProfile(JSON.parse(text))] };
    expect(tableOf(ofJs, 'line').rows[0]!.location).toMatchObject({ file: '/tmp/app/sleepy.js', line: 9 });
  });

  test('what stands before its function is of other code, whoever wrote it', () => {
    const callFrame = { functionName: 'f', scriptId: '1', url: 'file:///a.ts', lineNumber: 9, columnNumber: 0 };
    const of = (line: number) =>
      readCpuProfile({
        nodes: [{ id: 1, callFrame, hitCount: 2, positionTicks: [{ line, ticks: 2 }] }],
        startTime: 0,
        endTime: 10,
        samples: [1, 1],
        timeDeltas: [0, 5],
      }).lines;
    expect(of(9)).toBeNull();
    expect(of(12)!.line).toEqual(Uint32Array.of(12));
  });

  test('its own modules are the runtime’s', () => {
    const { frames } = fixture('deno').threads[0]!;
    expect(frames.find(({ file }) => file.startsWith('ext:'))).toMatchObject({ category: 'node' });
  });
});

describe('v8-profiler', () => {
  test('lines, the clock and the interval; seconds that are whole do not count', () => {
    const [thread] = fixture('v8-profiler').threads;
    expect(thread!.origin!.startUs).toBe((file('v8-profiler').timestamps as number[])[0]);
    expect(thread!.taken!.interval).toBeGreaterThan(9000);
    expect(thread!.taken!.interval).toBeLessThan(11_000);
    const lines = tableOf(fixture('v8-profiler'), 'line').rows.map(({ location }) => location!);
    expect(lines).toContainEqual(expect.objectContaining({ file: '/tmp/app/old/app.cjs', line: 8 }));
  });

  test('without samples its hits are told; its list of nodes has the same lines', () => {
    const { head } = file('v8-profiler');
    const thread = readCpuProfile({ typeId: 'CPU', head, startTime: 10, endTime: 11 });
    expect(Math.round(totalOf(thread))).toBe(1e6);
    const callFrame = { functionName: 'f', url: '/a.js', lineNumber: 3, columnNumber: 1 };
    const listed = readCpuProfile({
      typeId: 'CPU',
      nodes: [{ id: 1, hitCount: 1, callFrame }],
      startTime: 0,
      endTime: 9,
    });
    expect(listed.frames[0]).toMatchObject({ line: 3, column: 1 });
  });

  test.each([1, 1e18, 1e-320])('%d hits share the whole time, however many they are', (hitCount) => {
    const callFrame = { functionName: 'f', url: '/a.js', lineNumber: 3, columnNumber: 1 };
    expect(totalOf(readCpuProfile({ nodes: [{ id: 1, hitCount, callFrame }], startTime: 0, endTime: 9 }))).toBe(9);
  });

  test.each([
    [{ head: { id: 1, children: [{ id: 1 }] }, timestamps: [] }, /two of its nodes have the number 1/],
    [{ head: { id: 1, children: [7] }, timestamps: [] }, /a child is not an object/],
    [{ head: null, typeId: 'CPU' }, /its head is not an object/],
    [{ head: { id: 1 }, samples: [2], timestamps: [1] }, /sample 0 belongs to no node/],
  ])('damaged: %j', (content, words) => {
    expect(() => inputProfile(tempFolder({ 'a.cpuprofile': JSON.stringify(content) }))).toThrow(words);
  });
});

test('V8’s log: the time that V8 writes its log is not the program’s', () => {
  const rows = tableOf(fixture('v8-log/node-24.log.json'), 'function').rows;
  expect(rows.find(({ name }) => name === '(logging)')).toMatchObject({ category: 'v8' });
});
