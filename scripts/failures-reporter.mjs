// A vitest reporter: appends each failed test to the file in EVDIAG_FAILURES, for the summary at the end of .ci/run.
import { appendFileSync } from 'node:fs';

const MAX_MESSAGE = 400;

export default class FailuresReporter {
  onTestCaseResult(testCase) {
    const { state, errors } = testCase.result();
    if (state === 'failed') tell(testCase.module.relativeModuleId, testCase.fullName, errors);
  }

  onTestModuleEnd(testModule) {
    const errors = testModule.errors();
    if (errors.length > 0) tell(testModule.relativeModuleId, 'the file itself', errors);
  }
}

function tell(file, name, errors) {
  const why = (errors ?? []).map(({ message }) => String(message).slice(0, MAX_MESSAGE)).join(' | ');
  const node = process.env.EVDIAG_TEST_NODE ? ` [${process.env.EVDIAG_TEST_NODE_NAME ?? 'other Node'}]` : '';
  appendFileSync(process.env.EVDIAG_FAILURES, `${file} > ${name}${node}\n    ${why.replaceAll('\n', '\n    ')}\n`);
}
