/** Experimental, `import … from 'evdiag/recording'`: read recordings, judge them, build reports. It may change in any release. */

export { type EvidenceOf, type FindingOf, isFindingOf, type RuleId } from './detectors/evidence.ts';
export { judge } from './detectors/judge.ts';
export { detectors } from './detectors/rules/index.ts';
export type {
  Detector,
  Explains,
  Finding,
  Judgement,
  KindText,
  NoData,
  Outcome,
  RuleResult,
  Severity,
  Span,
  Times,
} from './detectors/types.ts';
export { type Family, InputError, readFamily, readRecording } from './recording/reader.ts';
export type {
  Frame,
  Header,
  Level,
  Location,
  Recording,
  Row,
  RowOf,
  RowType,
  StallKind,
  View,
} from './recording/types.ts';
export { rowsOf } from './recording/types.ts';
export { htmlReport } from './report/html.ts';
export { markdownReport } from './report/markdown.ts';
export { buildReport, hasFindingAt } from './report/report.ts';
export { textReport } from './report/text.ts';
export type { Report } from './report/types.ts';
export type { Workload } from './report/workload.ts';
