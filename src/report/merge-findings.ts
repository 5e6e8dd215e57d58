import { detectors } from '../detectors/rules/index.ts';
import { recordingQuality } from '../detectors/rules/recording-quality.ts';
import { round } from '../detectors/severity.ts';
import type { Finding, Span, Times } from '../detectors/types.ts';
import { addedUp } from '../detectors/work.ts';
import { fullThreadName } from '../recording/thread-name.ts';
import type { Header } from '../recording/types.ts';
import { seenIn } from './threads.ts';
import { worstFirst } from './words.ts';

/** A finding and the thread it was seen in. */
interface Seen {
  finding: Finding;
  header: Header;
}

/**
 * Equal findings of several threads become one: there is one line to change, however many threads run it. Without a line, those of the
 * main thread and of workers stay apart.
 *
 * `span` becomes times since the start of the first thread.
 */
export function mergeFindings(threads: readonly { header: Header; findings: readonly Finding[] }[]): Finding[] {
  const groups = new Map<string, Seen[]>();
  const zeroMs = threads[0]?.header.startMonotonicMs ?? 0;
  for (const { header, findings } of threads) {
    for (const [key, finding] of keyed(findings, header)) {
      const group = groups.get(key) ?? [];
      group.push({ finding: later(finding, header.startMonotonicMs - zeroMs), header });
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(merge);
}

/** Findings that a detector distinguished within one thread keep different keys. */
function keyed(findings: readonly Finding[], header: Header): [string, Finding][] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const key = keyOf(finding, header);
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return [`${nth} ${key}`, finding];
  });
}

/** The same line is harmless at start-up and harmful later. */
function keyOf(finding: Finding, header: Header): string {
  const { rule, kind, location, startup } = finding;
  const place = location === null ? sideOf(finding, header) : [location.file, location.line, location.function];
  return JSON.stringify([rule, kind, place, startup]);
}

/** Without a place nothing says that two threads do the same; what the machine does is the same for all. */
function sideOf({ rule, kind, severity }: Finding, { threadId }: Header): string | number | null {
  if (kind === 'host' || rule === recordingQuality.id) return null;
  if (severity !== 'info') return threadId;
  return threadId === 0 ? 0 : 'workers';
}

/** Each thread counts from its own start. */
function later(finding: Finding, byMs: number): Finding {
  const { span, symptoms } = finding;
  return {
    ...finding,
    span: span && { firstMs: round(span.firstMs + byMs), lastMs: round(span.lastMs + byMs) },
    symptoms: symptoms.map((symptom) => later(symptom, byMs)),
  };
}

function merge(group: readonly Seen[]): Finding {
  const sorted = [...group].sort((a, b) => worstFirst(a.finding, b.finding));
  const findings = sorted.map(({ finding }) => finding);
  const worst = findings[0]!;
  return {
    ...worst,
    message: group.length === 1 ? worst.message : ofTheWorst(worst.message, group.length),
    stack: findings.find(({ stack }) => stack.length > 0)?.stack ?? [],
    count: findings.reduce((sum, { count }) => sum + count, 0),
    span: wholeSpan(findings),
    times: allTimes(findings),
    work: addedUp(findings.flatMap(({ work }) => work)),
    waited: addedUp(findings.flatMap(({ waited }) => waited)),
    ...seenIn(sorted.map(({ header }) => fullThreadName(header))),
    evidence: mergedEvidence(findings),
  };
}

function mergedEvidence(findings: readonly Finding[]): object {
  const evidences = findings.map(({ evidence }) => evidence);
  const rule = detectors.find(({ id }) => id === findings[0]!.rule);
  return evidences.length > 1 && rule?.merge ? rule.merge(evidences) : evidences[0]!;
}

/** Over those that have one. */
function wholeSpan(findings: readonly Finding[]): Span | null {
  const spans = findings.flatMap(({ span }) => span ?? []);
  if (spans.length === 0) return null;
  return {
    firstMs: Math.min(...spans.map(({ firstMs }) => firstMs)),
    lastMs: Math.max(...spans.map(({ lastMs }) => lastMs)),
  };
}

function allTimes(findings: readonly Finding[]): Times | null {
  const known = findings.flatMap(({ times }) => times ?? []);
  if (known.length === 0) return null;
  return {
    maxMs: Math.max(...known.map(({ maxMs }) => maxMs)),
    totalMs: round(known.reduce((sum, { totalMs }) => sum + totalMs, 0)),
  };
}

/** The numbers in the sentence are those of one thread, and the sentence says so. */
function ofTheWorst(message: string, threadCount: number): string {
  return `${message.replace(/\.$/, '')} (in the worst of ${threadCount} threads).`;
}
