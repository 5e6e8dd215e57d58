import type { Level, Recording, RowType } from '../recording/types.ts';
import { fold } from './fold.ts';
import { detectors } from './rules/index.ts';
import type { Detector, Finding, Judgement, RuleResult } from './types.ts';

/** Rows that level watch has only after a trigger. */
const TRACKED: ReadonlySet<RowType> = new Set(['aborted', 'deep-sample', 'orphans', 'unfinished']);
/** Ends the no-data message of rules that need these, if the level is the reason. */
export const DIAGNOSE_HAS_THEM = 'level diagnose records them (EVDIAG_LEVEL=diagnose, or evdiag run)';

/** Per rule: nobody reads more. */
const MAX_FINDINGS = 200;

/** Rules that can judge the samples of other tools. The others would find nothing, which would mean nothing. */
const FOREIGN_RULES: ReadonlySet<string> = new Set(['blocked-event-loop']);

/**
 * Runs every detector over a recording. One that throws has outcome `error` and the others go on; one
 * that finds nothing, and lacks the rows it needs, has `no-data`.
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
    const said = askOne(detector, recording, present);
    for (const finding of said.findings) findings.push(finding);
    rules.push({ rule: detector.id, outcome: said.outcome, why: said.why, ...unseenIn(detector, recording, said) });
    yield;
  }
  return { findings: fold(findings, list).sort((a, b) => b.score - a.score), rules };
}

interface Said extends Omit<RuleResult, 'rule'> {
  findings: readonly Finding[];
}

function askOne(detector: Detector, recording: Recording, present: ReadonlySet<RowType>): Said {
  const { foreign, header } = recording;
  if (foreign !== undefined && !FOREIGN_RULES.has(detector.id)) return noData(otherToolText(foreign));
  if (!detector.reads.some((type) => present.has(type))) return noData(missingText(detector, header.level, present));
  try {
    const found = detector.detect(recording);
    if ('noData' in found) return noData(found.noData);
    if (found.length > 0) return foundSome(found);
    const missing = missingText(detector, header.level, present);
    return missing === '' ? { outcome: 'clear', why: 'looked at, nothing found', findings: [] } : noData(missing);
  } catch (error) {
    return { outcome: 'error', why: error instanceof Error ? error.message : String(error), findings: [] };
  }
}

/** Of a rule that could not judge, `why` says it. */
function unseenIn({ limits }: Detector, recording: Recording, { outcome }: Said): Pick<RuleResult, 'unseen'> {
  if (outcome !== 'clear' && outcome !== 'found') return {};
  try {
    const unseen = limits.flatMap((limit) => (typeof limit === 'string' ? [] : (limit.here(recording) ?? [])));
    return unseen.length > 0 ? { unseen } : {};
  } catch {
    // It is a remark: what the rule found stands without it.
    return {};
  }
}

function noData(why: string): Said {
  return { outcome: 'no-data', why, findings: [] };
}

function foundSome(found: readonly Finding[]): Said {
  const worst =
    found.length > MAX_FINDINGS ? found.toSorted((a, b) => b.score - a.score).slice(0, MAX_FINDINGS) : found;
  const less = worst.length < found.length ? `, the ${MAX_FINDINGS} worst are listed` : '';
  return { outcome: 'found', why: `${found.length} found${less}`, findings: worst };
}

function otherToolText(foreign: string): string {
  return `a recording of ${foreign} has no such data; evdiag run records it`;
}

/** Empty if the rule has everything it needs. */
function missingText({ needs }: Detector, level: Level, present: ReadonlySet<RowType>): string {
  const missing = needs.map((need) => [need].flat()).filter((types) => !types.some((type) => present.has(type)));
  if (missing.length === 0) return '';
  const isTracked = missing.flat().some((type) => TRACKED.has(type));
  const cure = level === 'watch' && isTracked ? `; ${DIAGNOSE_HAS_THEM}` : '';
  return `the recording has no rows of ${missing.map((types) => types.join(' or ')).join(', nor of ')}${cure}`;
}
