// A vitest reporter: appends each failed test to the file in EVDIAG_FAILURES, for the summary at the end of .ci/run.
import { appendFileSync } from 'node:fs';

const MAX_MESSAGE = 400;

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
  const why = (errors ?? []).map(({ message }) => String(message).slice(0, MAX_MESSAGE)).join(' | ');
  const node = process.env.EVDIAG_TEST_NODE ? ` [${process.env.EVDIAG_TEST_NODE_NAME ?? 'other Node'}]` : '';
  appendFileSync(summary, `${file} > ${name}${node}\n    ${why.replaceAll('\n', '\n    ')}\n`);
}
