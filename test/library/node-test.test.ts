import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProject, HEALTHY_COUNT, type Project, SICK_COUNT, wrongWith } from '../support/adapters.ts';
import { healthyFile, lineOf, sickFile } from '../support/sick-tests.ts';

const WORDS = {
  test: 'test(NAME, async () => {',
  head: "const { test, before, after, afterEach } = require('node:test');",
  beforeAll: 'before',
  afterEach: 'afterEach',
  afterAll: 'after',
};
const ARGS = ['--import', 'evdiag/node-test', '--test', '--test-reporter=tap'];

describe('evdiag/node-test', () => {
  let project: Project;
  beforeAll(async () => {
    project = await createProject();
  });
  afterAll(() => project.remove());

  test('names the line of what a test leaves behind, or of what blocks', async () => {
    const text = sickFile(WORDS);
    const path = project.file('sick.test.cjs', text);
    // What they leave keeps the process alive.
    const ran = await project.node([...ARGS, '--test-force-exit', path]);
    expect(wrongWith(ran.text, { path, text }, lineOf), ran.text).toEqual([]);
    expect(ran.text).toContain(`# fail ${SICK_COUNT}`);
  });

  test('is silent on healthy tests', async () => {
    const path = project.file('healthy.test.cjs', healthyFile(WORDS));
    const ran = await project.node([...ARGS, path]);
    expect(ran.text).toContain(`# pass ${HEALTHY_COUNT}`);
    expect(ran.text).toContain('# fail 0');
    expect(ran.exitCode).toBe(0);
  });
});
