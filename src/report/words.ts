/** Words that every form of the report shares. */
import { dirname } from 'node:path';
import { confidenceWord } from '../detectors/confidence.ts';
import { detectors } from '../detectors/rules/index.ts';
import { type Finding, SEVERITIES, type Severity } from '../detectors/types.ts';
import { displayPath, formatMs, formatShare, plural, stripControl } from '../util/text.ts';
import { processMemoryText } from './process-memory.ts';
import { namesText } from './threads.ts';
import type { Overhead, Report } from './types.ts';

/** The JSON form lists all threads; in a report for people more than these hide what matters. */
const MAX_THREADS = 8;

export function worstFirst(a: Finding, b: Finding): number {
  return SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.score - a.score;
}

/** "17 times · max 412 ms · total 3.02 s · … · cause: likely": the numbers of a finding, and how sure it is. */
export function evidenceText({ rule, count, times, span, evidence, confidence }: Finding): string[] {
  const words = detectors.find(({ id }) => id === rule)?.words(evidence) ?? [];
  const last = span && span.lastMs > span.firstMs ? [`last at ${formatMs(span.lastMs)}`] : [];
  return [
    plural(count, 'time'),
    ...(times ? [`max ${formatMs(times.maxMs)}`, `total ${formatMs(times.totalMs)}`] : []),
    ...(span ? [`first at ${formatMs(span.firstMs)}`, ...last] : []),
    ...words.map(stripControl),
    `cause: ${confidenceWord(confidence)}`,
  ];
}

/** "task-switch-churn: The thread was …" */
export function symptomsOf({ symptoms }: Finding): string[] {
  return symptoms.map(({ rule, message }) => stripControl(`${rule}: ${message}`));
}

/** "Seen in worker 2 of pid 123", "Seen in 3 threads: …"; null if only one thread was recorded. */
export function threadsText({ threads, threadCount }: Finding): string | null {
  if (threads.length === 0) return null;
  const names = threads.map(stripControl);
  return threadCount === 1 ? `Seen in ${names[0]}` : `Seen in ${threadCount} threads: ${namesText(names, threadCount)}`;
}

/** More names than these hide what matters. */
const MAX_NAMES = 4;

/** "Work of GET /report/:id (12 of 17 times); waited meanwhile: GET /health (34 times), …"; null if neither is known. */
export function workText({ work, waited, count }: Finding): string | null {
  const parts: string[] = [];
  if (work.length > 0) {
    // Where each was counted once, only the names are known.
    const isCounted = work.some((one) => one.count > 1) && !(work.length === 1 && work[0]!.count === count);
    parts.push(`Work of ${namesOf(work, (times) => (isCounted ? ` (${times} of ${plural(count, 'time')})` : ''))}`);
  }
  if (waited.length > 0) {
    const names = namesOf(waited, (times) => ` (${plural(times, 'time')})`);
    parts.push(`${parts.length > 0 ? 'w' : 'W'}aited meanwhile: ${names}`);
  }
  return parts.length > 0 ? stripControl(parts.join('; ')) : null;
}

function namesOf(shares: Finding['work'], timesText: (count: number) => string): string {
  const shown = shares.slice(0, MAX_NAMES).map(({ name, count }) => `${name}${timesText(count)}`);
  const left = shares.length - shown.length;
  return left > 0 ? `${shown.join(', ')} and ${left} more` : shown.join(', ');
}

/** "3 findings: 1 critical, 2 warnings" */
export function findingsText(report: Report): string {
  const { findings } = report;
  if (findings.length === 0) return 'Nothing found';
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const [critical, warning, info] = [count('critical'), count('warning'), count('info')];
  const parts = [
    critical > 0 && `${critical} critical`,
    warning > 0 && plural(warning, 'warning'),
    info > 0 && `${info} info`,
  ];
  return `${plural(findings.length, 'finding')}: ${parts.filter(Boolean).join(', ')}`;
}

/** How much was checked, if nothing was found: "8 rules are clear, 2 had no data". */
export function coverageText(report: Report): string {
  const count = (outcome: string) => report.rules.filter((rule) => rule.outcome === outcome).length;
  const [clear, noData, error] = [count('clear'), count('no-data'), count('error')];
  const parts = [clear === 1 ? '1 rule is clear' : `${clear} rules are clear`];
  if (noData > 0) parts.push(`${noData} had no data`);
  if (error > 0) parts.push(`${error} failed`);
  return `${parts.join(', ')} over ${formatMs(report.recording.durationMs)}`;
}

/** Label and value of each fact about the recording. */
export function facts(report: Report): [string, string][] {
  const { recording, workload, processes } = report;
  const { overhead } = recording;
  const limit = recording.containerCpus === null ? '' : ` (limited to ${recording.containerCpus})`;
  // Other tools do not count them.
  const cpus = recording.cpuCount === 0 ? '' : `, ${plural(recording.cpuCount, 'CPU')}${limit}`;
  const rows: [string, string][] = [
    [
      'process',
      `pid ${recording.pid}, Node.js ${recording.nodeVersion}, ${recording.platform} ${recording.arch}${cpus}`,
    ],
    ['recorded', `${formatMs(recording.durationMs)} from ${recording.startedAt}, level ${recording.level}`],
    ['workload', `${workload.class}. ${workload.advice}`],
  ];
  if (overhead.mainThreadShare !== null) rows.push(['agent cost', overheadText(overhead)]);
  if (processes !== undefined) rows.push(['threads', threadReportsText(processes)]);
  const memory = processes === undefined ? null : processMemoryText(processes);
  if (memory !== null) rows.push(['memory', memory]);
  if (recording.path !== null)
    rows.push(['folder', displayPath(processes === undefined ? recording.path : dirname(recording.path))]);
  const losses = lossesText(report);
  if (losses !== '') rows.push(['incomplete', losses]);
  return rows.map(([label, value]) => [label, stripControl(value)]);
}

/** "main thread of pid 100 (2.1 s, 1 finding); …" */
function threadReportsText(threads: NonNullable<Report['processes']>): string {
  const shown = threads
    .slice(0, MAX_THREADS)
    .map(
      ({ name, findings, recording }) => `${name} (${formatMs(recording.durationMs)}, ${plural(findings, 'finding')})`,
    );
  const rest = threads.length - shown.length;
  return rest > 0 ? `${shown.join('; ')}; and ${rest} more` : shown.join('; ');
}

function overheadText({ mainThreadShare, watchdogShare, budgetShare }: Overhead): string {
  const budget = budgetShare === undefined ? '' : ` (budget ${formatShare(budgetShare)})`;
  const watchdog = watchdogShare === null ? '' : `, ${formatShare(watchdogShare)} of a core in its own thread`;
  return `${formatShare(mainThreadShare ?? 0)} of the main thread${budget}${watchdog}`;
}

function lossesText({ recording, unreadable }: Report): string {
  const parts: string[] = [];
  if (recording.droppedRows > 0) parts.push(`${plural(recording.droppedRows, 'row')} dropped by the agent`);
  if (recording.skippedLines > 0) parts.push(`${plural(recording.skippedLines, 'line')} not understood`);
  if (recording.truncated) parts.push('cut off at the end');
  return [...parts, ...(unreadable ?? [])].join('; ');
}

/** The command line as recorded, short enough for a title. */
export function commandText(argv: readonly string[]): string {
  const text = stripControl(argv.map((arg, i) => (i < 2 ? displayPath(arg) : arg)).join(' '));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
