import { judgeSteps } from '../detectors/judge.ts';
import { type Finding, type Judgement, type RuleResult, SEVERITIES, type Severity } from '../detectors/types.ts';
import { inFamilyOrder } from '../recording/family.ts';
import { type Header, type Recording, rowsOf } from '../recording/types.ts';
import { headOf } from './head.ts';
import { mergeFindings } from './merge-findings.ts';
import { mergeRules } from './merge-rules.ts';
import { type PeakMemory, peakMemory } from './process-memory.ts';
import { threadName } from './threads.ts';
import { worstFirst } from './words.ts';
import { type Workload, workloadsOf } from './workload.ts';

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

/** One thread of a family. */
export interface ThreadReport {
  /** "main thread of pid 123", "worker 2 of pid 123" */
  name: string;
  pid: number;
  /** 0 is the main thread. */
  threadId: number;
  recording: RecordingSummary;
  workload: Workload;
  findings: number;
  rules: RuleResult[];
  /** Null where the recording does not tell. */
  memory: PeakMemory | null;
}

/** What `evdiag report --format json` prints (DESIGN §4). */
export interface Report {
  schema: typeof REPORT_SCHEMA;
  /** Of the main thread of the program that matters: the root process, unless that only waits for another one, as npm does. */
  recording: RecordingSummary;
  /** Of the same thread. */
  workload: Workload;
  /**
   * Of all threads and processes, the worst first; equal ones are merged. Where there are several, `evidence.threads`
   * names those it was seen in and `evidence.threadCount` counts them.
   */
  findings: Finding[];
  rules: RuleResult[];
  /** One entry per thread; only where the family has more than one recording. */
  processes?: ThreadReport[];
  /** Only where a recording of the family could not be read. */
  unreadable?: string[];
}

/** Judges the recordings of one family. */
export function buildReport(recordings: readonly Recording[], unreadable: readonly string[] = []): Report {
  const steps = reportSteps(recordings, unreadable);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same in steps, for a screen that has to answer to keys meanwhile. */
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
  const findings = several ? mergeFindings(threads) : threads.flatMap((thread) => thread.findings);
  return {
    schema: REPORT_SCHEMA,
    recording: summaryOf(family[head]!),
    workload: workloads[head]!,
    findings: findings.sort(worstFirst),
    rules: several ? mergeRules(threads, findings) : threads.flatMap(({ rules }) => rules),
    ...(several && { processes: threads.map((thread, i) => threadReport(thread, workloads[i]!)) }),
    ...(unreadable.length > 0 && { unreadable: [...unreadable] }),
  };
}

/** The recording that the report is headed by. */
export function headed(
  { recording: { pid, threadId } }: Report,
  recordings: readonly Recording[],
): Recording | undefined {
  return recordings.find(({ header }) => header.pid === pid && header.threadId === threadId) ?? recordings[0];
}

/** Whether a report holds a finding at least that severe. */
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
    name: threadName(recording.header),
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
  const known = rows.some((row) => row.watchdogMs !== null);
  return {
    mainThreadShare: rows.reduce((sum, row) => sum + row.mainThreadMs, 0) / intervalMs,
    watchdogShare: known ? rows.reduce((sum, row) => sum + (row.watchdogMs ?? 0), 0) / intervalMs : null,
  };
}
