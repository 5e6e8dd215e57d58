/** clinic doctor itself, from the registry: what it says of its own examples and of our recordings, and whether it opens what we write. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { askDoctor, findDoctor } from '../../src/cli/second-opinion/ask.ts';
import type { Answer } from '../../src/cli/second-opinion/types.ts';
import { doctorFolder } from '../../src/exporters/clinic-doctor/files.ts';
import { readFamily } from '../../src/recording/reader.ts';
import type { Recording, Row } from '../../src/recording/types.ts';
import { installedPackage, mustRun, NODE } from '../support/packed.ts';
import { header, ndjson, recordingOf, seconds, stall } from '../support/recording.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/clinic-doctor/32375.clinic-doctor', import.meta.url));
const HEAD = { samplers: ['event-loop-delay', 'gc', 'memory'] };

/** What its own test feeds it (test/analysis.test.js), and the verdict that this expects. */
const BENCHMARK = [3, 3, 3, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 3, 3, 3];
const EVEN = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
const EXAMPLES = [
  {
    ...{ name: 'a benchmark that uses its core', handles: BENCHMARK, gc: '..S..S..........S.........S..S..' },
    cpu: [1, 1, 1, 100, 100, 120, 90, 110, 100, 80, 110, 90, 110, 1, 1, 1],
    expected: { interval: [300, 1200], cpu: 'none', category: 'none' },
  },
  {
    ...{ name: 'a benchmark that waits', handles: BENCHMARK, gc: '..S..S..........S.........S..S..' },
    cpu: [1, 1, 1, 50, 40, 10, 10, 100, 50, 40, 10, 10, 10, 1, 1, 1],
    expected: { interval: [300, 1200], cpu: 'performance', category: 'io' },
  },
  {
    ...{ name: 'a program that uses its core', handles: EVEN, gc: '.........S.........' },
    cpu: [100, 100, 120, 90, 110, 100, 80, 110, 90, 110],
    expected: { interval: [0, 900], cpu: 'none', category: 'none' },
  },
  {
    ...{ name: 'a program that waits', handles: EVEN, gc: '.........S.........' },
    cpu: [50, 40, 10, 10, 100, 50, 40, 10, 10, 10],
    expected: { interval: [0, 900], cpu: 'performance', category: 'io' },
  },
];

describe('clinic doctor', () => {
  // What its examples are made with is not among its dependencies.
  const folder = installedPackage('@clinic/doctor@11', 'xorshift@1');
  let doctor: string;
  beforeAll(() => {
    doctor = findDoctor([folder]);
  });

  const judged = async (recording: Recording): Promise<Exclude<Answer, { error: string }>> => {
    const { answer } = await askDoctor(recording, doctor);
    expect(answer).not.toHaveProperty('error');
    return answer as Exclude<Answer, { error: string }>;
  };
  const itsOwn = (path: string): Recording => ({ ...recordingOf([]), foreign: 'clinic doctor', path });

  test.each(EXAMPLES)('of its own example, $name, it says what its own test expects', async (example) => {
    const path = writeExample(folder, doctor, example);
    const { analysis } = await judged(itsOwn(path));
    const { interval, issues, issueCategory } = analysis;
    expect({ interval, cpu: issues.cpu, category: issueCategory }).toEqual(example.expected);
    expect(issues).toMatchObject({ delay: 'none', handles: 'none', memory: { heapTotal: 'none', heapUsed: 'none' } });
  });

  test('of what it collected itself', async () => {
    const { version, analysis } = await judged(readFamily(FIXTURE).recordings[0]!);
    expect(version).toMatch(/^11\./);
    expect(analysis.issues.delay).toBe('performance');
  });

  test.each([
    ['a busy core without delays', seconds(60, { utilization: 0.8, cpuMs: 1050, timers: 3 }), 'none'],
    ['stalls', withStalls(seconds(60, { cpuMs: 1050 })), 'event-loop'],
    ['collections of 200 ms a second', seconds(60, { cpuMs: 1050, gcMs: 200, gcMaxMs: 40 }), 'gc'],
    ['waiting', seconds(60, { cpuMs: 200 }), 'io'],
    ['an hour of waiting', seconds(3600, { cpuMs: 200 }), 'io'],
  ])('of our recordings: %s', async (_, rows, category) => {
    const { analysis } = await judged(recordingOf(rows, HEAD));
    expect(analysis.issueCategory).toBe(category);
  });

  test('opens what evdiag export writes, and the installed report asks it', async () => {
    const rows = withStalls(seconds(30, { cpuMs: 1050 }));
    const place = join(folder, '.evdiag/20260101-000000-1/main-1');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'recording.ndjson'), ndjson([{ ...header, ...HEAD }, ...rows]));
    const evdiag = join(folder, 'node_modules/evdiag/bin/evdiag.mjs');
    await mustRun(NODE, [evdiag, 'export', '--to', 'clinic-doctor'], folder);
    const data = doctorFolder(recordingOf(rows, HEAD)).name;
    const page = `
      const Doctor = require('@clinic/doctor');
      new Doctor().visualize(${JSON.stringify(data)}, 'page.html', (error) => { if (error) throw error; });`;
    await mustRun(NODE, ['-e', page], folder);
    const html = readFileSync(join(folder, 'page.html'), 'utf8');
    expect(html).toContain('"issueCategory":"event-loop"');
    const report = await mustRun(NODE, [evdiag, 'report', '--second-opinion', 'clinic'], folder);
    expect(report).toMatch(/Second opinion\n {2}clinic doctor 11\.\S+ says an event loop issue/);
  });
});

/** Five of 300 ms. */
function withStalls(rows: Row[]): Row[] {
  const stalls = [1, 2, 3, 4, 5].map((i) => stall({ id: i, t: 5300 * i, startMs: 5300 * i - 300, durationMs: 300 }));
  return [...rows, ...stalls].sort((a, b) => a.t - b.t);
}

/** A folder as it would have collected it, made by its own generators and encoder. */
function writeExample(parent: string, doctor: string, { name, handles, cpu, gc }: (typeof EXAMPLES)[number]): string {
  const load = createRequire(join(doctor, 'package.json'));
  const samples: unknown[] = load('./test/generate-process-stat.js')({ handles, cpu }, 0.1, 10);
  const traceEvents = load('./test/generate-trace-event.js')(gc, 5);
  const Encoder = load('./format/process-stat-encoder.js');
  const encoder = new Encoder();
  for (const sample of samples) encoder.write(sample);
  const folder = join(parent, `${name.replaceAll(' ', '-')}.clinic-doctor`);
  const file = (what: string) => join(folder, `${name.replaceAll(' ', '-')}.clinic-doctor-${what}`);
  mkdirSync(folder);
  writeFileSync(file('processstat'), encoder.read());
  writeFileSync(file('traceevent'), JSON.stringify({ traceEvents }));
  const clock = { hrtime: [0, 0], unixtime: 0 };
  writeFileSync(file('systeminfo'), JSON.stringify({ clock, nodeVersions: process.versions, toolVersion: '11' }));
  return folder;
}
