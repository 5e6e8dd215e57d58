import { judge } from '../detectors/judge.ts';
import {
  type Finding,
  type Judgement,
  type Outcome,
  type RuleResult,
  SEVERITIES,
  type Severity,
} from '../detectors/types.ts';
import { type Header, type Recording, rowsOf } from '../recording/types.ts';
import { plural } from '../util/text.ts';
import { worstFirst } from './words.ts';
import { classify, type Workload } from './workload.ts';

export const REPORT_SCHEMA = 'evdiag-report/1';

/** What the agent itself cost, as shares of one core; null where the recording does not tell. */
export interface Overhead {
  mainThreadShare: number | null;
  watchdogShare: number | null;
}

export interface RecordingSummary extends Header {
  durationMs: number;
  droppedRows: number;
  skippedLines: number;
  truncated: boolean;
  path: string | null;
  overhead: Overhead;
}

export interface ProcessReport {
  pid: number;
  recording: RecordingSummary;
  workload: Workload;
  findings: number;
  rules: RuleResult[];
}

/** What `evdiag report --format json` prints (DESIGN §4). */
export interface Report {
  schema: typeof REPORT_SCHEMA;
  /** Of the root process. */
  recording: RecordingSummary;
  workload: Workload;
  /** Of all processes, the worst first; with several processes, `evidence.pid` tells whose. */
  findings: Finding[];
  rules: RuleResult[];
  /** Only where the family has more than one process. */
  processes?: ProcessReport[];
  /** Only where a recording of the family could not be read. */
  unreadable?: string[];
}

/** Judges the recordings of one family, the root process first. */
export function buildReport(recordings: readonly Recording[], unreadable: readonly string[] = []): Report {
  const [root] = recordings;
  if (root === undefined) throw new Error('buildReport needs at least one recording');
  const judged = recordings.map((recording) => ({ recording, judgement: judge(recording) }));
  const several = judged.length > 1;
  const findings = judged.flatMap(({ recording, judgement }) =>
    several ? judgement.findings.map((finding) => withPid(finding, recording.header.pid)) : judgement.findings,
  );
  return {
    schema: REPORT_SCHEMA,
    recording: summaryOf(root),
    workload: classify(root),
    findings: findings.sort(worstFirst),
    rules: mergeRules(judged),
    ...(several && { processes: judged.map(processReport) }),
    ...(unreadable.length > 0 && { unreadable: [...unreadable] }),
  };
}

/** Whether a report holds a finding at least that severe. */
export function hasFindingAt(report: Report, severity: Severity): boolean {
  const bar = SEVERITIES.indexOf(severity);
  return report.findings.some((finding) => SEVERITIES.indexOf(finding.severity) >= bar);
}

interface Judged {
  recording: Recording;
  judgement: Judgement;
}

function withPid(finding: Finding, pid: number): Finding {
  return { ...finding, evidence: { pid, ...finding.evidence } };
}

function processReport({ recording, judgement }: Judged): ProcessReport {
  return {
    pid: recording.header.pid,
    recording: summaryOf(recording),
    workload: classify(recording),
    findings: judgement.findings.length,
    rules: judgement.rules,
  };
}

function summaryOf(recording: Recording): RecordingSummary {
  const { header, durationMs, droppedRows, skippedLines, truncated, path } = recording;
  return { ...header, durationMs, droppedRows, skippedLines, truncated, path, overhead: overheadOf(recording) };
}

function overheadOf(recording: Recording): Overhead {
  const rows = rowsOf(recording, 'agent-cost');
  const intervalMs = rows.reduce((sum, row) => sum + row.intervalMs, 0);
  if (intervalMs <= 0) return { mainThreadShare: null, watchdogShare: null };
  const known = rows.some((row) => row.watchdogMs !== null);
  return {
    mainThreadShare: rows.reduce((sum, row) => sum + row.mainThreadMs, 0) / intervalMs,
    watchdogShare: known ? rows.reduce((sum, row) => sum + (row.watchdogMs ?? 0), 0) / intervalMs : null,
  };
}

/** A rule is clear for a family only where it is clear for every process: no data is never read as healthy. */
const WORST_OUTCOME: readonly Outcome[] = ['found', 'error', 'no-data', 'clear'];

function mergeRules(judged: readonly Judged[]): RuleResult[] {
  if (judged.length === 1) return judged[0]?.judgement.rules ?? [];
  const byRule = new Map<string, { pid: number; result: RuleResult }[]>();
  for (const { recording, judgement } of judged) {
    for (const result of judgement.rules) {
      const of = byRule.get(result.rule) ?? [];
      byRule.set(result.rule, [...of, { pid: recording.header.pid, result }]);
    }
  }
  return [...byRule].map(([rule, results]) => mergeRule(rule, results));
}

function mergeRule(rule: string, results: { pid: number; result: RuleResult }[]): RuleResult {
  const rank = ({ result }: { result: RuleResult }) => WORST_OUTCOME.indexOf(result.outcome);
  const worst = [...results].sort((a, b) => rank(a) - rank(b))[0]!;
  const { outcome, why } = worst.result;
  const same = results.filter(({ result }) => result.outcome === outcome).length;
  if (same === results.length) return { rule, outcome, why };
  return {
    rule,
    outcome,
    why: `${why} (pid ${worst.pid}; ${same} of ${plural(results.length, 'process', 'processes')})`,
  };
}
