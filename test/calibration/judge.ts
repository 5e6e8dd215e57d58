/** Whether what was reported is true. Pure. */
import type { Finding } from '../../src/detectors/types.ts';
import type { CalibrationProgram, Judged, Truth, Verdict } from './types.ts';

type Told = Pick<Finding, 'rule' | 'kind' | 'severity' | 'confidence' | 'message' | 'location'>;

/** Each finding with its verdict. */
export function judged({ id, truth }: Pick<CalibrationProgram, 'id' | 'truth'>, findings: readonly Told[]): Judged[] {
  return findings.map(({ location, rule, kind, severity, confidence, message }) => ({
    program: id,
    rule,
    kind,
    severity,
    confidence,
    message,
    place: location ? `${location.file}:${location.line}` : 'nowhere',
    verdict: verdictOf({ location, rule, kind }, truth),
  }));
}

/** Those that somebody has to act on: warnings and criticals. */
export function alarmsOf(findings: readonly Judged[]): Judged[] {
  return findings.filter(({ severity }) => severity !== 'info');
}

function verdictOf(finding: Pick<Told, 'rule' | 'kind' | 'location'>, { expected, spots }: Truth): Verdict {
  const { location } = finding;
  const isThere = spots.some(
    ({ file, from, to }) => location?.file.endsWith(file) && location.line >= from && location.line <= to,
  );
  if (!isThere) return 'wrong';
  const isExpected = expected.some(
    ({ rule, kind }) => rule === finding.rule && (kind === undefined || kind === finding.kind),
  );
  return isExpected ? 'right' : 'line';
}
