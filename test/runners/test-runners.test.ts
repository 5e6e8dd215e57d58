import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { inLab, ROOT } from '../support/run-agent.ts';
import { commandOf, expectSameOutcome, testFiles } from '../support/test-runners.ts';

/** The latest that run on Node 20. From npm, and not among our own packages: they are 100 MB. */
const PACKAGES = ['jest@30', 'mocha@12'];
const folder = join(ROOT, 'node_modules/.cache/evdiag-runners');
const modules = join(folder, 'node_modules');
const INSTALL_MS = 600_000;
const MINUTES = 60_000;

beforeAll(() => {
  if (PACKAGES.every((name) => existsSync(join(modules, name.split('@')[0]!, 'package.json')))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, ...PACKAGES], { cwd: folder, stdio: 'ignore' });
}, INSTALL_MS);

const WORKER = `const { Worker } = require('node:worker_threads');`;
const inIt = (name: string, body: string): string => `it('${name}', async () => { ${body} });`;

describe('test runners end as without the agent', () => {
  it.each([
    ['one process', ['--runInBand']],
    ['processes', ['--maxWorkers=2']],
    ['threads', ['--maxWorkers=2', '--workerThreads']],
  ])(
    'jest in %s',
    (_name, flags) =>
      inLab(async (lab) => {
        lab.file('package.json', '{}');
        const reporter = lab.file(
          'reporter.cjs',
          `module.exports = class {
            onTestResult(_test, { testResults }) {
              for (const { title, status } of testResults) console.log((status === 'passed' ? 'ok - ' : 'not ok - ') + title);
            }
          };`,
        );
        const args = [commandOf(modules, 'jest'), ...flags, `--reporters=${reporter}`];
        expectResults(await expectSameOutcome(lab, { args, files: testFiles('test.js', WORKER, inIt) }));
      })(),
    5 * MINUTES,
  );

  it.each([
    ['one process', []],
    ['processes', ['--parallel', '--jobs=2']],
  ])(
    'mocha in %s',
    (_name, flags) =>
      inLab(async (lab) => {
        const args = [commandOf(modules, 'mocha'), ...flags, '--reporter=tap', 'test/*.cjs'];
        expectResults(await expectSameOutcome(lab, { args, files: testFiles('cjs', WORKER, inIt) }));
      })(),
    5 * MINUTES,
  );
});

function expectResults({ exitCode, results }: { exitCode: number; results: string[] }): void {
  expect(exitCode).toBe(1);
  expect(results.filter((line) => line.startsWith('ok'))).toHaveLength(3);
  expect(results.filter((line) => line.startsWith('not ok'))).toHaveLength(1);
}
