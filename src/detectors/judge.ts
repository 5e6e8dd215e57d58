import type { Recording, RowType } from '../recording/types.ts';
import { fold } from './fold.ts';
import { detectors } from './index.ts';
import type { Detector, Finding, Judgement, RuleResult } from './types.ts';

/** Rows that level watch has only while something grows. */
const TRACKED: ReadonlySet<RowType> = new Set(['aborted', 'orphans', 'unfinished']);

/**
 * Runs every detector over a recording. One that throws is named with outcome `error` and the others go on; one
 * that finds none of the rows it needs answers `no-data`.
 */
export function judge(recording: Recording, list: readonly Detector[] = detectors): Judgement {
  const findings: Finding[] = [];
  const rules: RuleResult[] = [];
  const present = new Set(recording.rows.map(({ type }) => type));
  for (const detector of list) {
    if (!detector.needs.some((type) => present.has(type))) {
      const cure = detector.needs.some((type) => TRACKED.has(type))
        ? '; level diagnose has them (EVDIAG_LEVEL=diagnose, or evdiag run)'
        : '';
      const why = `the recording has no rows of ${detector.needs.join(' or ')}${cure}`;
      rules.push({ rule: detector.id, outcome: 'no-data', why });
      continue;
    }
    try {
      const found = detector.detect(recording);
      for (const finding of found) findings.push(finding);
      const why = found.length > 0 ? `${found.length} found` : 'looked at, nothing found';
      rules.push({ rule: detector.id, outcome: found.length > 0 ? 'found' : 'clear', why });
    } catch (error) {
      rules.push({ rule: detector.id, outcome: 'error', why: error instanceof Error ? error.message : String(error) });
    }
  }
  return { findings: fold(findings).sort((a, b) => b.score - a.score), rules };
}
