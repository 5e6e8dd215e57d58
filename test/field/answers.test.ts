import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detectors } from '../../src/detectors/rules/index.ts';
import { FIELD, guiltyLinesOf, readAnswers } from './answers.ts';
import { COMPARED } from './compare/words.ts';

const MOST_LINES = 60;
/** Of the catalogue, not there yet. */
const PLANNED = [
  'connection-churn',
  'exhausted-connection-pool',
  'ignored-backpressure',
  'overlapping-runs',
  'serial-awaits',
  'slow-upstream',
];
const answers = readAnswers();
const textOf = (name: string): string => readFileSync(join(FIELD, 'programs', `${name}.cjs`), 'utf8');

test('each program has an answer, and each answer a program', () => {
  const programs = readdirSync(join(FIELD, 'programs')).filter((file) => file.endsWith('.cjs'));
  expect([...answers.keys()].sort()).toEqual(programs.map((file) => file.replace('.cjs', '')).sort());
});

test('at least thirty are sick, and half of them have a cure', () => {
  const cured = [...answers.values()].filter((answer) => answer.cured);
  expect(answers.size).toBeGreaterThanOrEqual(30);
  expect(cured.length).toBeGreaterThanOrEqual(answers.size / 2);
});

test.each([...answers])('%s: its threads, its lines, rules that exist, patterns that compile', (name, answer) => {
  const text = textOf(name);
  for (const thread of answer.from) expect(thread).toMatch(/^[\w.-]+\/[\w.-]+#\d+$/);
  for (const thread of answer.from) expect(text.split('\n')[0]).toContain(thread.split('#')[1]);
  expect(guiltyLinesOf(name)).not.toEqual([]);
  const known = [...detectors.map(({ id }) => id), ...PLANNED];
  for (const rule of answer.rules) expect(known).toContain(rule);
  for (const word of answer.words) expect(() => new RegExp(word)).not.toThrow();
  expect(text.split('\n').length).toBeLessThanOrEqual(MOST_LINES);
  expect(text.includes("=== 'cured'")).toBe(answer.cured);
});

test('what is compared with other tools is among them', () => {
  for (const name of Object.keys(COMPARED)) expect([...answers.keys()]).toContain(name);
});
