import type { Finding, RuleResult } from '../detectors/types.ts';
import type { Header } from '../recording/types.ts';
import type { RouteReport } from './routes.ts';
import type { Workload } from './workload.ts';

/** The most of each that was held at the same time. A worker thread has a heap of its own, and no resident memory but its process'. */
export interface PeakMemory {
  residentBytes: number;
  heapUsedBytes: number;
  externalBytes: number;
}

export const REPORT_SCHEMA = 'evdiag-report/2';

/** What the agent itself cost, as shares of one core; null if the recording does not have it. */
export interface Overhead {
  mainThreadShare: number | null;
  watchdogShare: number | null;
  /** What following a thread might take of its time; absent in older recordings. */
  budgetShare?: number;
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
  /** Null if the recording does not have it. */
  memory: PeakMemory | null;
}

/** What `evdiag report --format json` prints: docs/report-json.md. */
export interface Report {
  schema: typeof REPORT_SCHEMA;
  /** Of the main thread of the program that matters: the root process, unless that only waits for another one, as npm does. */
  recording: RecordingSummary;
  /** Of the same thread. */
  workload: Workload;
  /**
   * Of all threads and processes, the worst first; equal ones are merged. If there are several, `threads` names
   * those it was seen in and `threadCount` counts them.
   */
  findings: Finding[];
  rules: RuleResult[];
  /** Requests by route and jobs by name, of all threads; only if some were followed. */
  routes?: RouteReport[];
  /** One entry per thread; only if the family has more than one recording. */
  processes?: ThreadReport[];
  /** Only if a recording of the family could not be read. */
  unreadable?: string[];
}
