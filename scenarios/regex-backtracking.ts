import { type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Every further letter doubles the time; these take about 250 ms. */
const NAME = `${'x'.repeat(25)}!`;
const REQUESTS = 5;

const NESTED_QUANTIFIERS = /^(\w+\s?)*$/;
/** Matches the same texts, with one way only to match each. */
const LINEAR = /^(\w+(\s\w+)*\s?)?$/;

function validateBacktracking(query: URLSearchParams): string {
  const name = query.get('name') ?? '';
  const valid = NESTED_QUANTIFIERS.test(name); // guilty
  return String(valid);
}

function validateLinear(query: URLSearchParams): string {
  const valid = LINEAR.test(query.get('name') ?? '');
  return String(valid);
}

function serve(validate: Route): Promise<Headline> {
  return withServer({ '/validate': validate }, async (get) => {
    // V8 interprets a pattern the first time, ten times slower, and compiles it the second time.
    for (const name of ['Ada', 'Grace', 'Margaret']) await get(`/validate?name=${name}`);
    return {
      what: `the slowest /ping beside ${REQUESTS} validations`,
      value: await slowestPing(get, `/validate?name=${encodeURIComponent(NAME)}`, REQUESTS),
      unit: 'ms',
    };
  });
}

export const regexBacktracking: Scenario = {
  id: 'regex-backtracking',
  title: 'A regular expression that backtracks without end',
  description:
    'Nested quantifiers try every way to split a name before they refuse it; 26 characters of input are enough.',
  expect: [{ rule: 'blocked-event-loop', kind: 'regexp' }],
  broken: () => serve(validateBacktracking),
  fixed: () => serve(validateLinear),
};

runIfMain(import.meta.url, regexBacktracking);
