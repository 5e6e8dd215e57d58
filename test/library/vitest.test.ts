import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

interface Report {
  /** Messages of failures by the name of the test; the file's own under "". */
  failed: Record<string, string>;
  passed: string[];
  output: string;
}

/** A project that has evdiag and vitest installed, with the files of test/fixtures/vitest. */
function createProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-vitest-')));
  const installed = join(folder, 'node_modules/evdiag');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  // What it loads when it is imported.
  for (const name of ['vitest', '@jridgewell', 'pprof-format']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
  cpSync(join(ROOT, 'test/fixtures/vitest'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

function run(folder: string, file: string, config: string): Promise<Report> {
  const name = `${config.length}-${file}`;
  writeFileSync(join(folder, `${name}.config.mjs`), config);
  const out = join(folder, `${name}.json`);
  const args = [VITEST, 'run', file, '-c', `${name}.config.mjs`, '--reporter=json', `--outputFile=${out}`];
  const env = { ...process.env, VITEST: undefined, NODE_ENV: undefined, VITEST_WORKER_ID: undefined, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(NODE, args, { cwd: folder, env }, (_error, stdout, stderr) => {
      resolve(reportOf(JSON.parse(readFileSync(out, 'utf8')), stdout + stderr));
    });
  });
}

interface JsonReport {
  testResults: {
    message: string;
    assertionResults: { title: string; status: string; failureMessages: string[] }[];
  }[];
}

function reportOf({ testResults }: JsonReport, output: string): Report {
  const report: Report = { failed: {}, passed: [], output };
  for (const { message, assertionResults } of testResults) {
    if (message) report.failed[''] = message;
    for (const { title, status, failureMessages } of assertionResults) {
      if (status === 'failed') report.failed[title] = failureMessages.join('\n');
      else if (status === 'passed') report.passed.push(title);
    }
  }
  return report;
}

const SETUP = (pool: string) =>
  `export default { test: { pool: '${pool}', include: ['*.spec.ts'], setupFiles: ['evdiag/vitest'] } };`;

/** The 1-based line of the first line of a fixture that holds the text. */
function lineOf(file: string, text: string): number {
  const lines = readFileSync(join(ROOT, 'test/fixtures/vitest', file), 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

const place = (file: string, text: string): string => `${file}:${lineOf(file, text)}:`;

describe('evdiag/vitest', () => {
  let folder = '';
  beforeAll(() => {
    folder = createProject();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(['forks', 'threads'])('in the pool %s', (pool) => {
    test('names the line of what a test leaves behind', async () => {
      const { failed, passed, output } = await run(folder, 'sick.spec.ts', SETUP(pool));
      expect(failed['leaves an interval'], output).toContain(
        `interval of 1000 ms · ${place('poller.ts', 'setInterval')}`,
      );
      expect(failed['leaves an interval']).toContain(place('sick.spec.ts', 'startPolling({'));
      expect(failed['leaves an interval'], 'its stack').toMatch(/\n +at startPolling \(.*poller\.ts:\d+:\d+\)/);
      expect(failed['leaves a server']).toMatch(/server on 127\.0\.0\.1:\d+ · /);
      expect(failed['leaves a server']).toContain(place('sick.spec.ts', 'createServer()'));
      expect(failed['leaves a listener']).toContain(
        `listener of 'change' on EventEmitter · ${place('sick.spec.ts', 'bus.on')}`,
      );
      expect(failed['leaves a suspended call']).toContain(`suspended async call · ${place('poller.ts', 'await new')}`);
      expect(failed['leaves a file']).toContain(place('sick.spec.ts', 'openSync(import'));
      expect(failed['blocks the loop']).toMatch(/blocked the event loop for [\d.]+ m?s \(limit 500 ms\) · js-cpu · /);
      // The loop, or what it calls.
      const spots = ['for (const start', 'const { user, system }'].map((text) => place('poller.ts', text));
      expect(
        spots.some((spot) => failed['blocks the loop']?.includes(spot)),
        failed['blocks the loop'],
      ).toBe(true);
      expect(failed['leaves a timer beside']).toContain(
        `timer of 60000 ms · ${place('sick.spec.ts', 'setTimeout(() => {}, 60_000)')}`,
      );
      expect(failed['fails by itself']).not.toContain('left');
      expect(passed).toEqual(['is clean beside']);
    });

    test('says at the end what no afterAll has closed', async () => {
      const { failed, output } = await run(folder, 'late.spec.ts', SETUP(pool));
      expect(failed[''], output).toContain("'leaves an interval that no afterAll stops' left 1 thing behind");
      expect(failed['']).toContain(place('poller.ts', 'setInterval'));
    });

    test('is silent on healthy tests', async () => {
      const { failed, passed, output } = await run(folder, 'healthy.spec.ts', SETUP(pool));
      expect(failed, output).toEqual({});
      expect(passed).toHaveLength(12);
    });
  });

  test('profile() in a test tells the lines of its TypeScript sources', async () => {
    const { failed, passed, output } = await run(folder, 'profile.spec.ts', SETUP('forks'));
    expect(failed, output).toEqual({});
    expect(passed).toEqual(['tells where it waits']);
  });

  test('as a plugin it takes options', async () => {
    const config = `import { evdiagVitest } from 'evdiag/vitest';
export default {
  plugins: [evdiagVitest({ stallMs: 0, graceMs: 50, ignore: ['bus', /poller\\.ts/, "listener of 'change'"] })],
  test: { include: ['*.spec.ts'] },
};`;
    const { failed, output } = await run(folder, 'sick.spec.ts', config);
    expect(Object.keys(failed).sort(), output).toEqual(
      ['fails by itself', 'leaves a file', 'leaves a server', 'leaves a timer beside'].sort(),
    );
  });
});
