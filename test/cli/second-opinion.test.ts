import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { askDoctor, findDoctor } from '../../src/cli/second-opinion/ask.ts';
import { secondOpinion } from '../../src/cli/second-opinion/compare.ts';
import { opinionText } from '../../src/cli/second-opinion/text.ts';
import type { Analysis } from '../../src/cli/second-opinion/types.ts';
import type { Row } from '../../src/recording/types.ts';
import { buildReport } from '../../src/report/report.ts';
import { painter } from '../../src/util/terminal.ts';
import { run } from '../support/packed.ts';
import { findingWith, gc, header, ndjson, recordingOf, seconds, stall, tempFolder } from '../support/recording.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';

const BIN = join(ROOT, 'bin/evdiag.mjs');
const START = Date.parse(header.startedAt);

/** A package that stands where clinic doctor would, and judges in this way. */
function standIn(judge: string): string {
  const decoder = "module.exports = class extends require('node:stream').PassThrough {};\n";
  const folder = tempFolder({
    'node_modules/@clinic/doctor/package.json': '{ "name": "@clinic/doctor", "version": "11.9.9" }',
    'node_modules/@clinic/doctor/format/system-info-decoder.js': decoder,
    'node_modules/@clinic/doctor/format/trace-event-decoder.js': decoder,
    'node_modules/@clinic/doctor/format/process-stat-decoder.js': decoder,
    'node_modules/@clinic/doctor/analysis/index.js': `
      const { Readable } = require('node:stream');
      module.exports = class extends Readable {
        constructor(...inputs) { super({ objectMode: true }); for (const input of inputs) input.resume(); }
        _read() { ${judge} }
      };`,
  });
  return folder;
}

const NO_ISSUES: Analysis['issues'] = {
  ...{ delay: 'none', cpu: 'none', handles: 'none', loopUtilization: 'none' },
  memory: { external: 'none', rss: 'none', heapTotal: 'none', heapUsed: 'none' },
};

function analysisOf(
  fields: Partial<Analysis['issues']> = {},
  issueCategory: Analysis['issueCategory'] = 'none',
): Analysis {
  return { interval: [START + 500, START + 9500], issues: { ...NO_ISSUES, ...fields }, issueCategory };
}

const says = (analysis: Analysis) => `this.push(${JSON.stringify(analysis)}); this.push(null);`;

/** What both say of a quiet recording to which these rows and findings are added. */
function compared(
  analysis: Analysis,
  { rows = [], findings = [] }: { rows?: Row[]; findings?: Parameters<typeof findingWith>[0][] } = {},
) {
  const recording = recordingOf([...seconds(10), ...rows].sort((a, b) => a.t - b.t));
  const report = { ...buildReport([recording]), findings: findings.map((fields) => findingWith(fields)) };
  const opinion = secondOpinion(report, recording, { answer: { version: '11.0.0', analysis }, sampleCount: 400 });
  const aspect = (name: string) => opinion.aspects.find(({ aspect }) => aspect === name)!;
  return { opinion, loop: aspect('event loop'), memory: aspect('memory'), io: aspect('I/O') };
}

describe('the comparison', () => {
  test('both see nothing', () => {
    const { opinion } = compared(analysisOf());
    expect(opinion).toMatchObject({ category: 'none', span: { fromMs: 500, toMs: 9500 }, failure: null });
    for (const { theirs, ours, agrees, word } of opinion.aspects) {
      expect({ theirs, ours, agrees, word }).toEqual({
        theirs: 'none',
        ours: [],
        agrees: true,
        word: 'Both see nothing.',
      });
    }
  });

  test('both see it, and evdiag names the place', () => {
    const { loop } = compared(analysisOf({ delay: 'performance' }, 'event-loop'), {
      findings: [{ rule: 'blocked-event-loop', kind: 'sync-sleep' }],
    });
    expect(loop).toMatchObject({ theirs: 'performance', ours: ['blocked-event-loop'], agrees: true });
    expect(loop.word).toContain('names the place');
    expect(loop.ourWords).toContain('app.js:12:3');
  });

  test.each([
    ['the machine', { kind: 'host' as const, location: null }, /was the machine's/],
    ['no core', { kind: 'js-cpu' as const, runQueueMs: 350, cpuMs: 20 }, /was the machine's/],
    ['the start', { startup: true }, /loaded its modules/],
    ['the collector', { kind: 'gc' as const }, /garbage collection: see memory/],
  ])('a delay that only clinic doctor counts: %s', (_, fields, word) => {
    const { loop } = compared(analysisOf({ delay: 'performance' }), {
      rows: [stall(fields)],
      findings: [{ rule: 'blocked-event-loop', kind: 'host' }],
    });
    expect(loop).toMatchObject({ ours: [], agrees: false });
    expect(loop.word).toMatch(word);
  });

  test('what lies outside of the part that it judged', () => {
    const { loop } = compared(analysisOf(), { findings: [{ span: { firstMs: 100, lastMs: 100 } }] });
    expect(loop).toMatchObject({ theirs: 'none', agrees: false });
    expect(loop.word).toContain('it judged only the time from 500 ms to 9.5 s');
  });

  test('memory that grows is nothing that it looks for', () => {
    const { memory } = compared(analysisOf(), { findings: [{ rule: 'growing-heap' }] });
    expect(memory.word).toContain('does not look for memory that grows');
  });

  test('collections of one second, with their figures', () => {
    const { memory } = compared(analysisOf({ memory: { ...NO_ISSUES.memory, heapUsed: 'performance' } }, 'gc'), {
      rows: [gc({ t: 5000, totalMs: 140 })],
    });
    expect(memory.word).toContain('up to 140 ms in one second');
  });

  test('unused CPU time is no slow I/O where the program is idle, or has no core', () => {
    expect(compared(analysisOf({ cpu: 'performance' }, 'io')).io.word).toMatch(
      /infers I\/O from unused CPU time|was idle/,
    );
    const starved = compared(analysisOf({ cpu: 'performance' }, 'io'), {
      findings: [{ rule: 'recording-quality', kind: 'contention' }],
    });
    expect(starved.io).toMatchObject({ ours: [], agrees: false, word: expect.stringContaining('waited for a core') });
  });

  test('too little data is no verdict', () => {
    const { io } = compared(analysisOf({ cpu: 'data' }, 'data'));
    expect(io).toMatchObject({ theirs: 'data', agrees: false, word: expect.stringContaining('too few samples') });
  });

  test('stands side by side, and in a narrow terminal one below the other', () => {
    const { opinion } = compared(analysisOf({ delay: 'performance' }, 'event-loop'), { findings: [{}] });
    const text = (width: number) => opinionText(opinion, { paint: painter(false), width });
    expect(text(100)).toContain(
      'clinic doctor 11.0.0 says an event loop issue (400 samples, 500 ms to 9.5 s of the recording).',
    );
    expect(text(100)).toMatch(/^ {2}event loop +an issue: a median delay .* {2}1 finding/m);
    for (const width of [50, 80, 100, 140]) {
      expect(
        Math.max(
          ...text(width)
            .split('\n')
            .map((line) => line.length),
        ),
      ).toBeLessThanOrEqual(width);
    }
    expect(text(50)).toContain('evdiag: 1 finding');
  });
});

describe('asking', () => {
  const recording = recordingOf(seconds(10));
  const ask = (judge: string, timeoutMs?: number) => askDoctor(recording, findDoctor([standIn(judge)]), timeoutMs);

  test('what it says, of how many samples; its input is removed', async () => {
    const analysis = analysisOf({ cpu: 'performance' }, 'io');
    expect(await ask(says(analysis))).toEqual({ answer: { version: '11.9.9', analysis }, sampleCount: 400 });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`evdiag-clinic-${process.pid}-`))).toEqual([]);
  });

  test.each([
    ['fails', "this.destroy(new Error('no model'))", 'no model'],
    ['ends', 'process.exit(9)', 'exit code 9'],
    ['says nothing', 'this.push(null)', 'it gave no result'],
  ])('one that %s gives a reason', async (_, judge, reason) => {
    expect((await ask(judge)).answer).toEqual({ error: expect.stringContaining(reason) });
  });

  test('one that computes on and on is ended', async () => {
    expect((await ask('for (;;);', 500)).answer).toEqual({
      error: expect.stringContaining('no verdict within 500 ms'),
    });
  });

  test('the one within clinic is found', () => {
    const folder = tempFolder({
      'node_modules/clinic/package.json': '{ "name": "clinic" }',
      'node_modules/clinic/node_modules/@clinic/doctor/package.json': '{ "name": "@clinic/doctor" }',
    });
    expect(findDoctor([folder])).toBe(join(folder, 'node_modules/clinic/node_modules/@clinic/doctor'));
  });
});

describe('the commands', () => {
  const evdiag = (cwd: string, ...args: string[]) => run(TEST_NODE, [BIN, ...args], { cwd });

  /** A folder with a recording, in which the program blocks. */
  function withRecording(folder: string): string {
    const rows = [...seconds(10), stall({ t: 5400, startMs: 5000, durationMs: 400 })].sort((a, b) => a.t - b.t);
    const place = join(folder, '.evdiag/20260101-000000-1/main-1');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'recording.ndjson'), ndjson([header, ...rows]));
    return folder;
  }

  test('report: the opinion stands below the report, and in the JSON', async () => {
    const folder = withRecording(standIn(says(analysisOf({ delay: 'performance' }, 'event-loop'))));
    const { code, stdout, stderr } = await evdiag(folder, 'report', '--second-opinion', 'clinic');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\nSecond opinion\n {2}clinic doctor 11\.9\.9 says an event loop issue/);
    const json = JSON.parse((await evdiag(folder, 'report', '--second-opinion', 'clinic', '--json')).stdout);
    expect(json.secondOpinion).toMatchObject({
      by: 'clinic doctor',
      version: '11.9.9',
      category: 'event-loop',
      failure: null,
    });
    expect(json.secondOpinion.aspects[0]).toMatchObject({ aspect: 'event loop', agrees: true });
  });

  test('report: where it fails, the report is there, and why', async () => {
    const folder = withRecording(standIn('process.exit(9)'));
    const { code, stdout } = await evdiag(folder, 'report', '--second-opinion', 'clinic');
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 finding[\s\S]*clinic doctor gave none: Its process ended with exit code 9\./);
  });

  test('report: without the package one sentence says how to add it', async () => {
    const { code, stdout, stderr } = await evdiag(withRecording(tempFolder()), 'report', '--second-opinion', 'clinic');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^evdiag: The package @clinic\/doctor is not installed here\. Add it with "npm i -D @clinic\/doctor".*\n$/,
    );
  });

  test('report: other formats have no place for it', async () => {
    const { code, stderr } = await evdiag(tempFolder(), 'report', '--second-opinion', 'clinic', '--format', 'sarif');
    expect(code).toBe(2);
    expect(stderr).toContain('Leave out --second-opinion');
  });

  test('export: writes the folder, once, and reads it again', async () => {
    const folder = withRecording(tempFolder());
    const name = `${header.pid}.clinic-doctor`;
    const first = await evdiag(folder, 'export', '--to', 'clinic-doctor');
    expect(first).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining(`clinic doctor --visualize-only ${name}`),
    });
    expect(readdirSync(join(folder, name))).toEqual(
      ['processstat', 'systeminfo', 'traceevent'].map((what) => `${name}-${what}`),
    );
    expect(await evdiag(folder, 'export', '--to', 'clinic-doctor')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already'),
    });
    const again = await evdiag(folder, 'report', name, '--json');
    expect(JSON.parse(again.stdout).findings[0]).toMatchObject({ rule: 'blocked-event-loop', times: { maxMs: 400 } });
    expect(await evdiag(folder, 'export', name, '--to', 'clinic-doctor', '-o', 'other')).toMatchObject({ code: 2 });
    const json = JSON.parse((await evdiag(folder, 'export', '--to', 'clinic-doctor', '-o', 'other', '--json')).stdout);
    expect(json).toEqual({
      folder: join('other', name),
      format: 'clinic-doctor',
      pid: header.pid,
      sampleCount: expect.any(Number),
    });
  });
});
