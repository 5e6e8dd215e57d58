import type { Recording } from '../recording/types.ts';
import { detectors } from './index.ts';
import type { Detector, Finding, Judgement, RuleResult } from './types.ts';

/**
 * Runs every detector over a recording. One that throws is named with outcome `error` and the others go on; one
 * whose rows are missing answers `no-data`.
 */
export function judge(recording: Recording, list: readonly Detector[] = detectors): Judgement {
  const findings: Finding[] = [];
  const rules: RuleResult[] = [];
  const present = new Set(recording.rows.map(({ type }) => type));
  for (const detector of list) {
    const missing = detector.needs.filter((type) => !present.has(type));
    if (missing.length > 0) {
      rules.push({ rule: detector.id, outcome: 'no-data', why: `the recording has no rows of ${missing.join(', ')}` });
      continue;
    }
    try {
      const found = detector.detect(recording);
      findings.push(...found);
      const why = found.length > 0 ? `${found.length} found` : 'looked at, nothing found';
      rules.push({ rule: detector.id, outcome: found.length > 0 ? 'found' : 'clear', why });
    } catch (error) {
      rules.push({ rule: detector.id, outcome: 'error', why: error instanceof Error ? error.message : String(error) });
    }
  }
  findings.sort((a, b) => b.score - a.score);
  return { findings, rules };
}
