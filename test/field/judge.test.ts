import { expect, test } from 'vitest';
import { finding, answers as noAnswers } from './examples.ts';
import { falseAlarms, sickVerdict } from './judge.ts';

const answer = noAnswers({ rules: ['stuck-async', 'missing-timeout'], words: ['incr', 'time-?out'] });
const verdict = (...told: ReturnType<typeof finding>[]) => sickVerdict('limiter', answer, [8], told);

test('a rule of the answer at a guilty line with its words is all three', () => {
  const told = finding({ rule: 'stuck-async', line: 8, message: 'await redis.incr() waits', remedy: 'Set a timeout.' });
  expect(verdict(told)).toMatchObject({ found: true, located: true, worded: true, beside: [] });
});

test.each([
  ['another line', { rule: 'stuck-async', line: 9 }, { found: true, located: false, worded: false }],
  [
    'another rule',
    { rule: 'leaked-handles', line: 3 },
    { found: false, beside: ['leaked-handles/some limiter.cjs:3'] },
  ],
  [
    'another rule at a guilty line, which is no other problem',
    { rule: 'lost-async', line: 8 },
    { found: false, beside: [] },
  ],
  ['info only', { rule: 'stuck-async', line: 8, severity: 'info' as const }, { found: false, told: [] }],
  ['another file', { rule: 'stuck-async', line: 8, file: '/a/lib/listen.cjs' }, { found: true, located: false }],
])('%s', (_what, told, expected) => {
  expect(verdict(finding(told))).toMatchObject(expected);
});

test('words may stand in the evidence, and not in the name of the program', () => {
  const told = finding({ rule: 'stuck-async', line: 8, evidence: { awaited: 'redis.incr()' }, remedy: 'a time-out' });
  expect(verdict(told).worded).toBe(true);
  const named = noAnswers({ rules: ['stuck-async'], words: ['limiter'] });
  const silent = finding({ rule: 'stuck-async', line: 8, message: 'stuck in /a/programs/limiter.cjs' });
  expect(sickVerdict('limiter', named, [8], [silent]).worded).toBe(false);
});

test('where critical is asked for, a warning is not found', () => {
  const strict = noAnswers({ rules: ['stuck-async'], severity: 'critical' });
  expect(sickVerdict('limiter', strict, [8], [finding({ rule: 'stuck-async', line: 8 })]).found).toBe(false);
});

test('of a cured program each alarm is false, and info is none', () => {
  const told = [finding({ rule: 'stuck-async', line: 8 }), finding({ rule: 'gc-pause', line: 1, severity: 'info' })];
  expect(falseAlarms(told)).toEqual(['stuck-async/some limiter.cjs:8']);
});
