/** The library: watch your own code; read recordings, judge them, build reports. The agent is `evdiag/agent`. */

export type { AwaitCycle, CallGroup as SuspendedCall, SettledBy } from './async-dump/dump.ts';
export { type AsyncDump, type DumpAsyncOptions, dumpAsync } from './async-dump/dump-async.ts';
export { setLevel } from './attach/set-level.ts';
export { judge } from './detectors/judge.ts';
export { detectors } from './detectors/rules/index.ts';
export type {
  Detector,
  Finding,
  Judgement,
  KindText,
  Outcome,
  RuleResult,
  Severity,
} from './detectors/types.ts';
export { expectNoLeaks } from './library/expect-no-leaks.ts';
export { LeakError } from './library/leak-error.ts';
export { profile } from './library/profile.ts';
export type {
  AwaitSite,
  CpuProfile,
  ExpectNoLeaksOptions,
  Ignore,
  Leftover,
  LeftoverKind,
  Profiled,
  ProfiledFunction,
  ProfileFormat,
  ProfileOptions,
  Watched,
  WatchOptions,
} from './library/types.ts';
export { watch } from './library/watch.ts';
export type { Profile, ProfileFrame, ThreadProfile } from './profile/types.ts';
export { type Family, InputError, readFamily, readRecording } from './recording/reader.ts';
export type { Frame, Header, Level, Location, Recording, Row, RowOf, RowType, StallKind } from './recording/types.ts';
export { rowsOf } from './recording/types.ts';
export { htmlReport } from './report/html.ts';
export { markdownReport } from './report/markdown.ts';
export { buildReport, hasFindingAt } from './report/report.ts';
export { textReport } from './report/text.ts';
export type { Report } from './report/types.ts';
export type { Workload } from './report/workload.ts';
