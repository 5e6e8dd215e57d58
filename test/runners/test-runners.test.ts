import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { INSTALL_MS, installRunners, MODULES } from '../support/installed-runners.ts';
import { inLab, ROOT } from '../support/run-agent.ts';
import { commandOf, expectSameOutcome, NODE_TESTS, testFiles, VITEST_TESTS } from '../support/test-runners.ts';

const MINUTES = 60_000;
/** The runners' own time-outs of a test: on a busy machine those of 2 or 5 s pass, with the agent or without. */
const BUSY_MS = 240_000;

beforeAll(installRunners, INSTALL_MS);

const WORKER = `const { Worker } = require('node:worker_threads');`;
const inIt = (name: string, body: string): string => `it('${name}', async () => { ${body} });`;
const inTest = (name: string, body: string): string => `test('${name}', async () => { ${body} });`;

describe('test runners end as without the agent', () => {
  it(
    'node --test, with coverage',
    inLab(async (lab) => {
      const flags = ['--test', '--experimental-test-coverage', '--test-reporter=tap'];
      const args = [...flags, 'test/first.test.cjs', 'test/second.test.cjs'];
      const { exitCode, results } = await expectSameOutcome(lab, { args, files: NODE_TESTS });
      expect(exitCode).toBe(1);
      expect(results).toEqual(expect.arrayContaining(['# pass 3', '# fail 1', 'ok - computes', 'not ok - fails']));
    }),
    5 * MINUTES,
  );

  it.each(['vmThreads', 'vmForks'])(
    'vitest --pool=%s',
    (pool) =>
      inLab(async (lab) => {
        const own = join(ROOT, 'node_modules');
        const args = [
          commandOf(own, 'vitest'),
          'run',
          `--pool=${pool}`,
          `--testTimeout=${BUSY_MS}`,
          '--reporter=tap-flat',
        ];
        const links = { vitest: join(own, 'vitest') };
        expectResults(await expectSameOutcome(lab, { args, files: VITEST_TESTS, links }));
      })(),
    5 * MINUTES,
  );

  it.each([
    ['one process', ['--runInBand']],
    ['processes', ['--maxWorkers=2']],
    ['threads', ['--maxWorkers=2', '--workerThreads']],
  ])(
    'jest in %s',
    (_name, flags) =>
      inLab(async (lab) => {
        const reporter = lab.file(
          'reporter.cjs',
          `module.exports = class {
            onTestResult(_test, { testResults }) {
              for (const { title, status } of testResults) console.log((status === 'passed' ? 'ok - ' : 'not ok - ') + title);
            }
          };`,
        );
        const args = [commandOf(MODULES, 'jest'), ...flags, `--testTimeout=${BUSY_MS}`, `--reporters=${reporter}`];
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
        const args = [commandOf(MODULES, 'mocha'), ...flags, `--timeout=${BUSY_MS}`, '--reporter=tap', 'test/*.cjs'];
        expectResults(await expectSameOutcome(lab, { args, files: testFiles('cjs', WORKER, inIt) }));
      })(),
    5 * MINUTES,
  );

  it(
    'tap, with coverage',
    inLab(async (lab) => {
      const flags = ['--reporter=tap', '--allow-incomplete-coverage', '--jobs=2', `--timeout=${BUSY_MS / 1000}`];
      const args = [commandOf(MODULES, 'tap'), ...flags, 'test/first.cjs', 'test/second.cjs'];
      const files = testFiles('cjs', `${WORKER} const { test } = require('tap');`, inTest);
      const { exitCode, results } = await expectSameOutcome(lab, { args, files, links: linkTo('tap') });
      expect(exitCode).toBe(1);
      expect(results).toEqual(
        expect.arrayContaining(['# { total: 4, pass: 3, fail: 1 }', 'ok - computes', 'not ok - fails']),
      );
    }),
    5 * MINUTES,
  );

  it.each([
    ['threads', []],
    ['processes', ['--no-worker-threads']],
  ])(
    'ava in %s',
    (_name, flags) =>
      inLab(async (lab) => {
        const head = `import test from 'ava'; import { Worker } from 'node:worker_threads';`;
        const files = testFiles('mjs', head, (name, body) => `test('${name}', async (t) => { ${body} t.pass(); });`);
        const args = [commandOf(MODULES, 'ava'), '--tap', `--timeout=${BUSY_MS / 1000}s`, ...flags, 'test/*.mjs'];
        expectResults(await expectSameOutcome(lab, { args, files, links: linkTo('ava') }));
      })(),
    5 * MINUTES,
  );

  it(
    'uvu',
    inLab(async (lab) => {
      const files = testFiles('cjs', `${WORKER} const { test } = require('uvu');`, inTest);
      for (const name of Object.keys(files)) files[name as keyof typeof files] += 'test.run();\n';
      const args = [commandOf(MODULES, 'uvu'), 'test'];
      const { exitCode, results } = await expectSameOutcome(lab, { args, files, links: linkTo('uvu') });
      expect(exitCode).toBe(1);
      expect(results).toEqual(['Passed: 3', 'Total: 4']);
    }),
    5 * MINUTES,
  );
});

function linkTo(name: string): Record<string, string> {
  return { [name]: join(MODULES, name) };
}

function expectResults({ exitCode, results }: { exitCode: number; results: string[] }): void {
  expect(exitCode).toBe(1);
  expect(results.filter((line) => line.startsWith('ok'))).toHaveLength(3);
  expect(results.filter((line) => line.startsWith('not ok'))).toHaveLength(1);
}
