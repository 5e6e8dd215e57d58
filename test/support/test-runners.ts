/** Small test projects, run by test runners with and without the agent. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { AGENT_CJS, type Lab, ROOT, TEST_NODE } from './run-agent.ts';

/** How a runner is started in the folder of the project. */
export interface Runner {
  /** Arguments of Node. */
  args: readonly string[];
  files: Record<string, string>;
  /** Names in `node_modules` of the project, and the folders that they stand for. */
  links?: Record<string, string>;
  env?: Record<string, string>;
}

/** What a runner makes of the project. */
export interface Outcome {
  exitCode: number;
  /** Its lines that tell of a test or count them, with single spaces and without durations, in the order of the alphabet: files run side by side. */
  results: string[];
}

const EVDIAG = join(ROOT, 'bin/evdiag.mjs');
/** Far away: tap loads TypeScript in each process, and where 60 wait for a core that takes more than a minute. */
const HANG_MS = 280_000;
/** Such lines of the Test Anything Protocol; `#` may tell how long a test took. */
const RESULT = /^\s*((not ok|ok|# (tests|pass|fail|cancelled|skipped|todo|\{ total:)) |(Total|Passed): )/;

/** The agent asks for stacks as often as it can. */
const EAGER = { EVDIAG_LEVEL: 'diagnose', EVDIAG_SLOW_MS: '20' };

export const nodeMajor = (): number =>
  Number(execFileSync(TEST_NODE, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);

/** A file of tests that pass, one that fails, a worker thread, and time enough for the agent to look at the runner. */
export function testFiles(extension: string, head: string, ofTest: (name: string, body: string) => string) {
  const works = ofTest('works', 'await new Promise((resolve) => setTimeout(resolve, 900));');
  const computes = ofTest('computes', 'for (const end = Date.now() + 150; Date.now() < end; ) ;');
  const fails = ofTest('fails', 'if (Math.max(1, 2) === 2) throw new Error("as it should");');
  const thread = ofTest(
    'has a thread',
    `await new Promise((resolve) => new Worker('setTimeout(() => {}, 200)', { eval: true }).on('exit', resolve));`,
  );
  return {
    [`test/first.${extension}`]: `${head}\n${works}\n${computes}\n`,
    [`test/second.${extension}`]: `${head}\n${fails}\n${thread}\n`,
  };
}

export const NODE_TESTS = testFiles(
  'test.cjs',
  `const { test } = require('node:test'); const { Worker } = require('node:worker_threads');`,
  (name, body) => `test('${name}', async () => { ${body} });`,
);
export const VITEST_TESTS = {
  'package.json': '{ "type": "module" }',
  ...testFiles(
    'test.mjs',
    `import { test } from 'vitest'; import { Worker } from 'node:worker_threads';`,
    (name, body) => `test('${name}', async () => { ${body} });`,
  ),
};

/**
 * Runs it without the agent, with NODE_OPTIONS, and by `evdiag run`, each in a copy of its own: the outcome is the same. Returns it.
 */
export async function expectSameOutcome(lab: Lab, runner: Runner): Promise<Outcome> {
  const { args, env = {} } = runner;
  const eager = { ...env, ...EAGER, EVDIAG_OUT: lab.out };
  const inCopy = (name: string, words: readonly string[], variables: Record<string, string>) =>
    run(copyOf(lab, name, runner), [...words], variables);
  const [without, preloaded, byCommand] = await Promise.all([
    inCopy('without', args, env),
    inCopy('preloaded', args, { ...eager, NODE_OPTIONS: `--require=${AGENT_CJS}` }),
    inCopy('by-command', [EVDIAG, 'run', '--out', lab.out, '--', TEST_NODE, ...args], eager),
  ]);
  expect(outcomeOf(preloaded), preloaded.text).toEqual(outcomeOf(without));
  expect(outcomeOf(byCommand), byCommand.text).toEqual(outcomeOf(without));
  return outcomeOf(without);
}

/** Runners keep caches and what they know of the last run in the folder of the project. */
function copyOf(lab: Lab, name: string, { files, links = {} }: Runner): string {
  for (const [file, text] of Object.entries({ 'package.json': '{}', ...files })) lab.file(join(name, file), text);
  for (const [link, target] of Object.entries(links)) {
    const path = join(lab.folder, name, 'node_modules', link);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  }
  return join(lab.folder, name);
}

const outcomeOf = ({ exitCode, results }: Outcome): Outcome => ({ exitCode, results });

function run(cwd: string, args: string[], env: Record<string, string>): Promise<Outcome & { text: string }> {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NODE_|VITEST|TEST$|JEST|EVDIAG_|FORCE_COLOR)/.test(name)),
  );
  const options = {
    cwd,
    env: { ...clean, NO_COLOR: '1', CI: '1', ...env },
    timeout: HANG_MS,
    maxBuffer: 64e6,
  };
  return new Promise((resolve) => {
    execFile(TEST_NODE, args, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      const lines = stdout.split('\n').filter((line) => RESULT.test(line));
      const results = lines
        .map((line) =>
          line
            .replace(/ # time=.*/, '')
            .replace(/ok \d+ /, 'ok ')
            .replace(/: {2,}/, ': ')
            .trim(),
        )
        .sort();
      resolve({ exitCode: code, results, text: `${stdout}\n${stderr}` });
    });
  });
}

/** The path of a package's command. */
export function commandOf(modules: string, name: string): string {
  const { bin } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  return join(modules, name, typeof bin === 'string' ? bin : bin[name]!);
}
