// A vitest reporter: appends each failed test to the file in EVDIAG_FAILURES, one line each, for the end of .ci/run.
import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** The names are what is wanted: a log may keep its last 4 kB only. */
const MAX_MESSAGE = 200;

export default class FailuresReporter {
  /** @param {import('vitest/node').TestCase} testCase */
  onTestCaseResult(testCase) {
    const { state, errors } = testCase.result();
    if (state === 'failed') append(testCase.module.relativeModuleId, testCase.fullName, errors);
  }

  /** @param {import('vitest/node').TestModule} testModule */
  onTestModuleEnd(testModule) {
    const errors = testModule.errors();
    if (errors.length > 0) append(testModule.relativeModuleId, 'the file itself', errors);
  }
}

/**
 * @param {string} file
 * @param {string} name
 * @param {readonly { message: string }[] | undefined} errors
 */
function append(file, name, errors) {
  const { EVDIAG_FAILURES: summary } = process.env;
  if (!summary) return;
  const node = process.env.EVDIAG_TEST_NODE ? ` [${process.env.EVDIAG_TEST_NODE_NAME ?? 'other Node'}]` : '';
  appendFileSync(
    summary,
    `${file} > ${name}${node}: ${inOneLine((errors ?? []).map(({ message }) => String(message)))}\n`,
  );
}

/** @param {readonly string[]} messages */
function inOneLine(messages) {
  return stripVTControlCharacters(messages.join(' | ')).replace(/\s+/g, ' ').slice(0, MAX_MESSAGE);
}
