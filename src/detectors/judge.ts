import type { Recording, RowType } from '../recording/types.ts';
import { fold } from './fold.ts';
import { detectors } from './rules/index.ts';
import type { Detector, Finding, Judgement, RuleResult } from './types.ts';

/** Rows that level watch has only while something grows or is suspected. */
const TRACKED: ReadonlySet<RowType> = new Set(['aborted', 'look', 'orphans', 'unfinished']);
/** Ends what is said of rules that want these, where the level is the reason. */
export const DIAGNOSE_HAS_THEM = 'level diagnose has them (EVDIAG_LEVEL=diagnose, or evdiag run)';

/** Of one rule: nobody reads more. */
const MAX_FINDINGS = 200;

/** Rules that can be told from the samples of other tools. The others would find nothing, and mean nothing by it. */
const FOREIGN_RULES: ReadonlySet<string> = new Set(['blocked-event-loop']);

/**
 * Runs every detector over a recording. One that throws is named with outcome `error` and the others go on; one
 * that finds none of the rows it needs answers `no-data`.
 */
export function judge(recording: Recording, list: readonly Detector[] = detectors): Judgement {
  const steps = judgeSteps(recording, list);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same in steps: yields after each detector, so that something else can be done in between. */
export function* judgeSteps(
  recording: Recording,
  list: readonly Detector[] = detectors,
): Generator<undefined, Judgement> {
  const findings: Finding[] = [];
  const rules: RuleResult[] = [];
  const present = new Set(recording.rows.map(({ type }) => type));
  for (const detector of list) {
    if (recording.foreign !== undefined && !FOREIGN_RULES.has(detector.id)) {
      const why = `a recording of ${recording.foreign} does not tell; evdiag run does`;
      rules.push({ rule: detector.id, outcome: 'no-data', why });
      continue;
    }
    const isBlind = !detector.needs.some((type) => present.has(type));
    const noData = (): void => {
      const byLevel = recording.header.level === 'watch' && detector.needs.some((type) => TRACKED.has(type));
      const cure = byLevel ? `; ${DIAGNOSE_HAS_THEM}` : '';
      const why = `the recording has no rows of ${detector.needs.join(' or ')}${cure}`;
      rules.push({ rule: detector.id, outcome: 'no-data', why });
    };
    if (isBlind && !detector.hints?.some((type) => present.has(type))) {
      noData();
      continue;
    }
    try {
      const found = detector.detect(recording);
      if (isBlind && found.length === 0) {
        noData();
        continue;
      }
      const worst =
        found.length > MAX_FINDINGS ? found.toSorted((a, b) => b.score - a.score).slice(0, MAX_FINDINGS) : found;
      for (const finding of worst) findings.push(finding);
      const less = worst.length < found.length ? `, the ${MAX_FINDINGS} worst are listed` : '';
      const why = found.length > 0 ? `${found.length} found${less}` : 'looked at, nothing found';
      rules.push({ rule: detector.id, outcome: found.length > 0 ? 'found' : 'clear', why });
    } catch (error) {
      rules.push({ rule: detector.id, outcome: 'error', why: error instanceof Error ? error.message : String(error) });
    }
    yield;
  }
  return { findings: fold(findings, list).sort((a, b) => b.score - a.score), rules };
}
