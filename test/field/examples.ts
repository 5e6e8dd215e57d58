/** Findings and answers for the tests of the judge and its tables. */
import type { Finding } from '../../src/detectors/types.ts';
import type { Answer } from './answers.ts';

interface Told {
  rule: string;
  line: number;
  file?: string;
  severity?: Finding['severity'];
  message?: string;
  remedy?: string;
  evidence?: unknown;
}

export function finding({ rule, line, file = '/a/programs/limiter.cjs', ...rest }: Told): Finding {
  const plain = { kind: 'some', severity: 'warning', message: 'told', remedy: 'Mend it.', evidence: {}, symptoms: [] };
  return { ...plain, ...rest, rule, location: { file, line, column: 1, function: '' } } as unknown as Finding;
}

export function answers(fields: Partial<Answer>): Answer {
  return { from: ['a/b#1'], rules: [], words: [], severity: 'warning', cured: true, seconds: 1, ...fields };
}
