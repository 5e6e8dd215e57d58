import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exporters } from '../../src/exporters/index.ts';
import { readProfile } from '../../src/profile/read-profile.ts';
import { tableOf } from '../../src/profile/table.ts';
import type { Profile } from '../../src/profile/types.ts';
import { profileOf, stacksOf, threadOf } from '../support/profile.ts';
import { tempFolder } from '../support/recording.ts';

const main = threadOf([
  ['handler;render', 3000],
  ['handler;render;escape', 1000],
  ['(idle)', 5000],
  ['handler;render', 2000],
  ['handler', 500],
  ['(garbage collector)', 700],
]);
const worker = threadOf([['job;work', 4000]], 'worker 2');

/** Writes it in that format and reads it again. */
function again(profile: Profile, format: string): Profile {
  const exporter = exporters.find(({ id }) => id === format)!;
  const file = join(tempFolder(), `x.${exporter.extension}`);
  writeFileSync(file, exporter.write(profile));
  return readProfile(file);
}

describe('what is written is read again: every stack, with its weight', () => {
  test.each(['collapsed', 'cpuprofile', 'pprof', 'speedscope'])('%s, time', (format) => {
    const { threads, unit } = again(profileOf([main]), format);
    expect(stacksOf(threads[0]!)).toEqual(stacksOf(main));
    expect(unit).toBe(format === 'collapsed' ? 'samples' : 'us');
  });

  test.each(['collapsed', 'heapprofile', 'pprof', 'speedscope'])('%s, bytes', (format) => {
    const { threads, unit, kind } = again(profileOf([main], { unit: 'bytes', kind: 'alloc-space' }), format);
    expect(stacksOf(threads[0]!)).toEqual(stacksOf(main));
    expect(unit).toBe(format === 'collapsed' ? 'samples' : 'bytes');
    if (format === 'pprof' || format === 'heapprofile') expect(kind).toBe('alloc-space');
  });

  test.each(['pprof', 'speedscope'])('%s, threads', (format) => {
    const { threads } = again(profileOf([main, worker]), format);
    expect(threads.map(({ name }) => name)).toEqual(['main thread', 'worker 2']);
    expect(threads.map(stacksOf)).toEqual([stacksOf(main), stacksOf(worker)]);
  });

  test.each(['collapsed', 'cpuprofile', 'pprof', 'speedscope'])('%s, places and categories', (format) => {
    const { threads } = again(profileOf([main]), format);
    const render = threads[0]!.frames.find(({ function: name }) => name === 'render');
    expect(render).toMatchObject({ file: '/srv/app/render.ts', line: 10, category: 'application' });
    expect(threads[0]!.frames.map(({ category }) => category)).toContain('gc');
  });

  test('cpuprofile: the order and time of samples', () => {
    const { samples } = again(profileOf([main]), 'cpuprofile').threads[0]!;
    expect([...samples!.atUs]).toEqual([...main.samples!.atUs]);
    expect([...samples!.weight]).toEqual([...main.samples!.weight]);
    expect(again(profileOf([main]), 'cpuprofile').threads[0]!.taken).toMatchObject({ interval: 1000, apart: true });
  });

  test('one thread each: bytes are no time', () => {
    expect(() => again(profileOf([main], { unit: 'bytes' }), 'cpuprofile')).toThrow('Choose heapprofile');
    expect(() => again(profileOf([main]), 'heapprofile')).toThrow('Choose cpuprofile');
  });
});

test('names with separators, control characters and 10 000 letters', () => {
  const evil = threadOf([[`a (b) \u001b[31m"<x>&${'y'.repeat(10_000)}`, 10]]);
  for (const { id, write } of exporters.filter(({ id }) => id !== 'heapprofile')) {
    const content = write(profileOf([evil]));
    const text = typeof content === 'string' ? content : '';
    expect(text.includes('\u001b'), id).toBe(false);
    if (id === 'svg' || id === 'html') expect(text).not.toContain('<x>');
  }
});

test('what Node’s --cpu-prof and --heap-prof write', () => {
  const folder = tempFolder({
    'app.js': `function spin(ms) { const end = Date.now() + ms; while (Date.now() < end); }
globalThis.kept = [];
function keep() { for (let i = 0; i < 2000; i++) kept.push(new Array(1000).fill(i)); }
spin(300); keep();`,
  });
  execFileSync(process.execPath, ['--cpu-prof', '--heap-prof', '--heap-prof-interval=1024', 'app.js'], { cwd: folder });
  const file = (ending: string) => join(folder, readdirSync(folder).find((name) => name.endsWith(ending))!);
  const cpu = tableOf(readProfile(file('.cpuprofile')), 'function');
  expect(cpu.rows.find(({ name }) => name === 'spin')).toMatchObject({
    location: { file: expect.stringMatching(/app\.js$/), line: 1 },
    category: 'application',
  });
  expect(cpu.rows.find(({ name }) => name === 'spin')!.self).toBeGreaterThan(100_000);
  expect(tableOf(readProfile(file('.cpuprofile')), 'line').rows.some(({ location }) => location!.line === 1)).toBe(
    true,
  );
  const heap = readProfile(file('.heapprofile'));
  expect(heap).toMatchObject({ unit: 'bytes', kind: 'in-use-space' });
  expect(tableOf(heap, 'function').rows.find(({ name }) => name === 'keep')!.total).toBeGreaterThan(1e6);
});

test.each(['evdiag-dump/1', 'evdiag-dump/2'])('a dump, %s: where calls wait, below those that await them', (schema) => {
  const frame = (name: string, line: number) => ({ function: name, file: '/srv/app.js', line, column: 3 });
  const call = { ...frame('ask', 5), count: 30, awaits: 'reply', awaitedBy: [frame('order', 9), frame('handler', 20)] };
  const dump = {
    schema,
    threads: [
      { threadId: 0, suspended: { calls: [call] } },
      { threadId: 3, suspended: null },
    ],
  };
  const file = join(tempFolder({ 'dump.json': JSON.stringify(dump) }), 'dump.json');
  const profile = readProfile(file);
  expect(profile).toMatchObject({ kind: 'waiting', unit: 'samples' });
  expect(profile.threads.map(stacksOf)).toEqual([{ 'handler;order;ask;await reply': 30 }, {}]);
  expect(tableOf(profile, 'function').rows[0]).toMatchObject({ name: 'await reply', location: { line: 5 } });
});

describe('what is no profile gets one sentence', () => {
  const root = { id: 1, callFrame: { functionName: '(root)', url: '' }, children: [2] };
  test.each([
    ['{"nodes":[', 'it is cut off, or not JSON'],
    ['{"a":1}', 'none of .cpuprofile, .heapprofile, speedscope, V8 log and'],
    ['{"nodes":[]}', 'it has no nodes'],
    ['{"nodes":[3]}', 'a node is not an object'],
    [JSON.stringify({ nodes: [root], samples: [9], timeDeltas: [1] }), 'sample 0 belongs to no node'],
    [JSON.stringify({ nodes: [root], samples: [1], timeDeltas: [] }), 'different numbers of time deltas'],
    ['{"head":{"selfSize":1,"children":[7]}}', 'a child is not an object'],
    ['{"shared":{},"profiles":[]}', '"shared.frames" is not a list'],
    [
      JSON.stringify({ shared: { frames: [] }, profiles: [{ type: 'sampled', samples: [[0]], weights: [1] }] }),
      'a frame is missing',
    ],
    ['a;b twelve', 'line 1 is not a collapsed stack'],
    ['\n\x08garbage', 'cannot be unpacked'],
    ['\x1f\x8bgarbage', 'cannot be unpacked'],
  ])('%s', (content, words) => {
    const file = join(tempFolder({ 'x.profile': Buffer.from(content, 'latin1') }), 'x.profile');
    expect(() => readProfile(file)).toThrow(words);
    expect(() => readProfile(file)).toThrow(/^".*" is not a readable profile: /);
  });

  test('one that is not there', () => {
    expect(() => readProfile('/no/such.cpuprofile')).toThrow('does not exist');
  });

  test('nodes in a circle, and a tree of 20 000 levels', () => {
    const circle = {
      nodes: [
        { ...root, children: [2] },
        { id: 2, callFrame: { functionName: 'a', url: '' }, children: [1, 2] },
      ],
    };
    const file = (value: unknown) => join(tempFolder({ 'x.json': JSON.stringify(value) }), 'x.json');
    expect(() => readProfile(file(circle))).toThrow('endless');
    const deep = Array.from({ length: 20_000 }, (_, i) => ({
      id: i + 1,
      callFrame: { functionName: `f${i}`, url: '' },
      children: i < 19_999 ? [i + 2] : [],
    }));
    expect(readProfile(file({ nodes: deep })).threads[0]!.parent).toHaveLength(20_001);
  });
});
