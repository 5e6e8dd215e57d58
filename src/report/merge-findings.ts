import type { Finding } from '../detectors/types.ts';
import { fullThreadName } from '../recording/thread-name.ts';
import type { Header } from '../recording/types.ts';
import { threadEvidence } from './threads.ts';
import { worstFirst } from './words.ts';

type Evidence = Finding['evidence'];

/** How numbers of the same name become one; any other is that of the worst finding. */
const COMBINE: Record<string, (a: number, b: number) => number> = {
  maxMs: Math.max,
  totalMs: add,
  cpuMs: add,
  gcMs: add,
  runQueueMs: add,
  throttledMs: add,
  diskMs: add,
  kernelMs: add,
  wallMs: add,
  firstMs: Math.min,
  lastMs: Math.max,
};

/** A finding and the thread it was seen in. */
interface Seen {
  finding: Finding;
  header: Header;
}

/**
 * Equal findings of several threads become one: it is one line to change, however many threads run it.
 *
 * `evidence.firstMs` and `lastMs` become times since the start of the first thread.
 */
export function mergeFindings(threads: readonly { header: Header; findings: readonly Finding[] }[]): Finding[] {
  const groups = new Map<string, Seen[]>();
  const zeroMs = threads[0]?.header.startMonotonicMs ?? 0;
  for (const { header, findings } of threads) {
    for (const [key, finding] of keyed(findings)) {
      const group = groups.get(key) ?? [];
      group.push({ finding: later(finding, header.startMonotonicMs - zeroMs), header });
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(merge);
}

/** What a detector told apart within one thread keeps different keys. */
function keyed(findings: readonly Finding[]): [string, Finding][] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const key = keyOf(finding);
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return [`${nth} ${key}`, finding];
  });
}

/** The same line is harmless at start-up and harmful later. */
function keyOf({ rule, kind, location, evidence }: Finding): string {
  const place = location === null ? null : [location.file, location.line, location.function];
  return JSON.stringify([rule, kind, place, evidence.startup === true]);
}

/** Each thread counts from its own start. */
function later(finding: Finding, byMs: number): Finding {
  const times = ['firstMs', 'lastMs'].flatMap((name) => {
    const ms = finding.evidence[name];
    return typeof ms === 'number' ? [[name, round(ms + byMs)]] : [];
  });
  return { ...finding, evidence: { ...finding.evidence, ...Object.fromEntries(times) } };
}

function merge(group: readonly Seen[]): Finding {
  const sorted = [...group].sort((a, b) => worstFirst(a.finding, b.finding));
  const worst = sorted[0]!.finding;
  const names = sorted.map(({ header }) => fullThreadName(header));
  return {
    ...worst,
    message: group.length === 1 ? worst.message : ofTheWorst(worst.message, group.length),
    stack: sorted.find(({ finding }) => finding.stack.length > 0)?.finding.stack ?? [],
    count: group.reduce((sum, { finding }) => sum + finding.count, 0),
    evidence: {
      ...worst.evidence,
      ...combined(group.map(({ finding }) => finding.evidence)),
      ...threadEvidence(names),
    },
  };
}

/** The numbers in the sentence are those of one thread, and the sentence says so. */
function ofTheWorst(message: string, threadCount: number): string {
  return `${message.replace(/\.$/, '')} (in the worst of ${threadCount} threads).`;
}

/** A number that only some threads could tell is combined over these. */
function combined(evidences: readonly Evidence[]): Evidence {
  const result: Evidence = {};
  for (const [name, combine] of Object.entries(COMBINE)) {
    const values = evidences.map((evidence) => evidence[name]).filter((value) => typeof value === 'number');
    if (values.length > 0) result[name] = round(values.reduce((a, b) => combine(a, b)));
  }
  return result;
}

function add(a: number, b: number): number {
  return a + b;
}

/** Sums of tenths are not tenths. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
