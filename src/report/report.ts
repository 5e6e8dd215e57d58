import { judgeSteps } from '../detectors/judge.ts';
import { type Judgement, SEVERITIES, type Severity } from '../detectors/types.ts';
import { inFamilyOrder } from '../recording/family.ts';
import { fullThreadName } from '../recording/thread-name.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import { headOf } from './head.ts';
import { mergeFindings } from './merge-findings.ts';
import { mergeRules } from './merge-rules.ts';
import { peakMemory } from './process-memory.ts';
import { routesOf } from './routes.ts';
import { type Overhead, REPORT_SCHEMA, type RecordingSummary, type Report, type ThreadReport } from './types.ts';
import { worstFirst } from './words.ts';
import { type Workload, workloadsOf } from './workload.ts';

/** Judges the recordings of one family. */
export function buildReport(recordings: readonly Recording[], unreadable: readonly string[] = []): Report {
  const steps = reportSteps(recordings, unreadable);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same in steps, for a screen that must react to keys meanwhile. */
export function* reportSteps(
  recordings: readonly Recording[],
  unreadable: readonly string[] = [],
): Generator<undefined, Report> {
  const family = inFamilyOrder(recordings);
  if (family.length === 0) throw new Error('buildReport needs at least one recording');
  const workloads = workloadsOf(family);
  yield;
  const threads: (JudgedThread & Pick<Recording, 'header'>)[] = [];
  for (const recording of family) {
    threads.push({ header: recording.header, recording, ...(yield* judgeSteps(recording)) });
  }
  const head = headOf(threads);
  const several = threads.length > 1;
  const routes = routesOf(family);
  const findings = several ? mergeFindings(threads) : threads.flatMap((thread) => thread.findings);
  return {
    schema: REPORT_SCHEMA,
    recording: summaryOf(family[head]!),
    workload: workloads[head]!,
    findings: findings.sort(worstFirst),
    rules: several ? mergeRules(threads, findings) : threads.flatMap(({ rules }) => rules),
    ...(routes.length > 0 && { routes }),
    ...(several && { processes: threads.map((thread, i) => threadReport(thread, workloads[i]!)) }),
    ...(unreadable.length > 0 && { unreadable: [...unreadable] }),
  };
}

/** The recording at the head of the report. */
export function headed(
  { recording: { pid, threadId } }: Report,
  recordings: readonly Recording[],
): Recording | undefined {
  return recordings.find(({ header }) => header.pid === pid && header.threadId === threadId) ?? recordings[0];
}

/** Whether a report has a finding at least that severe. */
export function hasFindingAt(report: Report, severity: Severity): boolean {
  const bar = SEVERITIES.indexOf(severity);
  return report.findings.some((finding) => SEVERITIES.indexOf(finding.severity) >= bar);
}

interface JudgedThread extends Judgement {
  recording: Recording;
}

function threadReport({ recording, findings, rules }: JudgedThread, workload: Workload): ThreadReport {
  const { pid, threadId } = recording.header;
  return {
    name: fullThreadName(recording.header),
    pid,
    threadId,
    recording: summaryOf(recording),
    workload,
    findings: findings.length,
    rules,
    memory: peakMemory(recording),
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
  const budgetShare = rows.at(-1)?.budgetShare;
  const known = rows.some((row) => row.watchdogMs !== null);
  return {
    mainThreadShare: rows.reduce((sum, row) => sum + row.mainThreadMs, 0) / intervalMs,
    ...(budgetShare !== undefined && { budgetShare }),
    watchdogShare: known ? rows.reduce((sum, row) => sum + (row.watchdogMs ?? 0), 0) / intervalMs : null,
  };
}
