import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProject, HEALTHY_COUNT, type Project, SICK_COUNT, wrongWith } from '../support/adapters.ts';
import { INSTALL_MS, installRunners, MODULES } from '../support/installed-runners.ts';
import { healthyFile, lineOf, sickFile } from '../support/sick-tests.ts';
import { commandOf } from '../support/test-runners.ts';

beforeAll(installRunners, INSTALL_MS);

const COUNTED = new RegExp(`\\b${SICK_COUNT} fail(ed|ing)`);

/** Jest and mocha from npm, each with its adapter: what it says of the same tests. */
const RUNNERS = {
  jest: {
    words: {
      test: 'test(NAME, async () => {',
      head: '',
      beforeAll: 'beforeAll',
      afterEach: 'afterEach',
      afterAll: 'afterAll',
    },
    passed: `${HEALTHY_COUNT} passed`,
    args: (path: string) => [commandOf(MODULES, 'jest'), '--forceExit', '--runInBand', '--testTimeout=120000', path],
    config: '{ "private": true, "jest": { "setupFilesAfterEnv": ["evdiag/jest"], "testEnvironment": "node" } }',
  },
  mocha: {
    words: {
      test: 'it(NAME, async function () {',
      head: '',
      beforeAll: 'before',
      afterEach: 'afterEach',
      afterAll: 'after',
    },
    passed: `${HEALTHY_COUNT} passing`,
    args: (path: string) => [
      commandOf(MODULES, 'mocha'),
      // By name, mocha looks for it where mocha itself is installed.
      '--require=./node_modules/evdiag/dist/mocha.cjs',
      '--timeout=120000',
      '--exit',
      path,
    ],
    config: '{ "private": true }',
  },
};

describe.each(Object.entries(RUNNERS))('evdiag/%s', (_name, { words, passed, args, config }) => {
  let project: Project;
  beforeAll(async () => {
    project = await createProject();
    project.file('package.json', config);
  });
  afterAll(() => project.remove());

  it('names the line of what a test leaves behind, or of what blocks', async () => {
    const text = sickFile(words);
    const path = project.file('sick.test.cjs', text);
    const ran = await project.node(args(path));
    expect(wrongWith(ran.text, { path, text }, lineOf), ran.text).toEqual([]);
    expect(ran.text).toMatch(COUNTED);
    expect(ran.exitCode).not.toBe(0);
  });

  it('is silent on healthy tests', async () => {
    const path = project.file('healthy.test.cjs', healthyFile(words));
    const ran = await project.node(args(path));
    expect(ran.text).toContain(passed);
    expect(ran.exitCode, ran.text).toBe(0);
  });
});
