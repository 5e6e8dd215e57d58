/** Two leak reports of one program, before and after a change: what no longer grows, what still does, and by how much for each request. */
import { leastNew } from './growth.ts';
import { matches } from './same-suspect.ts';
import type { LeakReport, SnapshotFacts, Suspect, WorkDone } from './types.ts';

/** What would have come at the earlier rate, over what a hunt can see: traffic is not even. */
const MARGIN = 2;
/** Of the first recording's work, for what counts no objects. */
const LEAST_SHARE = 0.5;
/** What grows is seen only if it grows in each interval: of two, the one with less must have this share of the other. */
const LEAST_EVEN = 0.5;
/** Shorter spans are the times of copies of files. */
const MIN_SPAN_MS = 1000;

/** `unclear`: it was not seen again, but too little was done to see it. */
export type Outcome = 'gone' | 'remains' | 'new' | 'unclear';
/** What growth is divided by; `measurement`: nothing is known but the first and the last snapshot. */
export type Unit = WorkDone['unit'] | 'minute' | 'measurement';

export interface Rate {
  /** 0 where only objects were counted. */
  bytes: number;
  /** 0 where only bytes were measured. */
  count: number;
}

export interface ComparedSuspect {
  outcome: Outcome;
  before: Suspect | null;
  after: Suspect | null;
  /** For each unit; null where it does not grow. */
  beforeRate: Rate | null;
  afterRate: Rate | null;
  /** Of `unclear`: how many units would be enough; null where there were enough, but not evenly. */
  neededUnits: number | null;
}

interface Side {
  /** As the user gave it. */
  input: string;
  snapshots: SnapshotFacts[];
  spanMs: number | null;
  /** How many units it lasted. */
  units: number;
  /** Between each two snapshots; [] where that is not known. */
  parts: number[];
  /** Of the whole heap, for each unit, what is no leak included; null where unknown. */
  heapBytes: number | null;
}

export interface LeakComparison {
  schema: 'evdiag-leaks-diff/1';
  /** `clean`: nothing grew in either. */
  verdict: 'fixed' | 'remains' | 'unclear' | 'clean';
  unit: Unit;
  before: Side;
  after: Side;
  suspects: ComparedSuspect[];
  notes: string[];
}

/** A report and what it was made from. */
export interface Hunt {
  input: string;
  report: LeakReport;
}

/** Why the growth of these cannot be compared, a sentence; null if it can. */
export function incomparable(before: Hunt, after: Hunt): string | null {
  for (const { input, report } of [before, after]) {
    if (report.input === 'snapshot') {
      return `"${input}" is one snapshot, which shows what is large, not what grows. Give two or three of each program.`;
    }
    if (report.input !== 'recording' && report.spanMs === null) {
      return `"${input}" has only one snapshot that can be used, which shows no growth. Take the snapshots again.`;
    }
  }
  if ((before.report.input === 'recording') === (after.report.input === 'recording')) return null;
  const [recording, hunt] = before.report.input === 'recording' ? [before, after] : [after, before];
  return `"${recording.input}" is a recording and "${hunt.input}" is not: what they show of leaks differs. Give two of one kind.`;
}

/** Compares them; see `incomparable`. */
export function compareHunts(before: Hunt, after: Hunt): LeakComparison {
  const unit = unitOf(before.report, after.report);
  const [old, young] = [before, after].map(({ report }) => measured(report, unit));
  const [was, is] = [before, after].map(({ report }) => report.suspects.filter(({ growth }) => growth !== null));
  const pairs = matches(was!, is!);
  const matched = new Set(pairs.values());
  const suspects = [
    ...was!.map((suspect) => compared(suspect, pairs.get(suspect) ?? null, old!, young!)),
    ...is!.filter((suspect) => !matched.has(suspect)).map((suspect) => compared(null, suspect, old!, young!)),
  ].sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  return {
    schema: 'evdiag-leaks-diff/1',
    verdict: verdictOf(suspects),
    unit,
    before: sideOf(before.input, old!),
    after: sideOf(after.input, young!),
    suspects,
    notes: notesOf(unit, [before, after]),
  };
}

const ORDER: readonly Outcome[] = ['remains', 'new', 'unclear', 'gone'];

function verdictOf(suspects: readonly ComparedSuspect[]): LeakComparison['verdict'] {
  const has = (outcome: Outcome): boolean => suspects.some((suspect) => suspect.outcome === outcome);
  if (has('remains') || has('new')) return 'remains';
  if (has('unclear')) return 'unclear';
  return has('gone') ? 'fixed' : 'clean';
}

/** What both have counted; minutes where there is no such thing. */
function unitOf(before: LeakReport, after: LeakReport): Unit {
  const [a, b] = [before.work, after.work];
  if (a && b && a.count >= 1 && b.count >= 1) return a.unit === b.unit ? a.unit : 'pieces';
  const areTimed = [before, after].every(({ spanMs }) => spanMs !== null && spanMs >= MIN_SPAN_MS);
  return areTimed ? 'minute' : 'measurement';
}

interface Measured {
  report: LeakReport;
  units: number;
  /** By interval. */
  parts: number[];
}

function measured(report: LeakReport, unit: Unit): Measured {
  const { work, spanMs, snapshots } = report;
  if (unit === 'measurement') return { report, units: 1, parts: [] };
  if (unit !== 'minute') return { report, units: work!.count, parts: work!.counts ?? [] };
  const times = snapshots.map(({ takenAt }) => Date.parse(takenAt ?? ''));
  const parts = times.slice(1).map((time, i) => (time - times[i]!) / 60_000);
  return { report, units: spanMs! / 60_000, parts: parts.every(Number.isFinite) ? parts : [] };
}

function compared(before: Suspect | null, after: Suspect | null, old: Measured, young: Measured): ComparedSuspect {
  const beforeRate = before && rateOf(before, old);
  const neededUnits = before && !after ? neededOf(before, beforeRate!, old, young) : null;
  const couldBeSeen = neededUnits === null && isEven(young);
  return {
    outcome: after ? (before ? 'remains' : 'new') : couldBeSeen ? 'gone' : 'unclear',
    before,
    after,
    beforeRate,
    afterRate: after && rateOf(after, young),
    neededUnits,
  };
}

function rateOf({ growth, count }: Suspect, { report, units }: Measured): Rate {
  const { newBytes, bytesPerMinute } = growth!;
  const total = newBytes.reduce((sum, bytes) => sum + bytes, 0);
  const ofTime = report.input === 'recording' ? ((bytesPerMinute ?? 0) * (report.spanMs ?? 0)) / 60_000 : total;
  return { bytes: ofTime / units, count: count / units };
}

const isEven = ({ parts }: Measured): boolean =>
  Math.min(...parts) >= LEAST_EVEN * Math.max(...parts) || parts.length < 2;

/** How many units would have shown what has not come again; null if there were enough. */
function neededOf({ rule }: Suspect, { count }: Rate, old: Measured, young: Measured): number | null {
  if (young.report.input === 'recording') {
    const needed = LEAST_SHARE * old.units;
    const couldTell = young.report.judged?.includes(rule ?? '') ?? true;
    return couldTell && young.units >= needed ? null : Math.max(needed, old.units);
  }
  const intervals = Math.max(1, young.report.snapshots.length - 1);
  const needed = count > 0 ? (MARGIN * intervals * leastNew(intervals)) / count : LEAST_SHARE * old.units;
  return young.units >= needed ? null : needed;
}

function sideOf(input: string, { report, units, parts }: Measured): Side {
  const { snapshots, spanMs } = report;
  const [first, last] = [snapshots[0], snapshots.at(-1)];
  const heapBytes = first && last && first !== last ? (last.heapBytes - first.heapBytes) / units : null;
  return { input, snapshots, spanMs, units, parts, heapBytes };
}

function notesOf(unit: Unit, hunts: readonly Hunt[]): string[] {
  const notes = new Set<string>();
  if (unit === 'minute') {
    notes.add(
      'Requests were not counted in both, so growth is compared by minute: that is fair only under the same load. --requests says how many there were.',
    );
  }
  if (unit === 'measurement') {
    notes.add(
      'Neither requests nor times are known, so growth is compared from the first to the last snapshot. --requests says how many requests there were.',
    );
  }
  for (const { input, report } of hunts) {
    if (report.input !== 'recording' && report.snapshots.length === 2) {
      notes.add(`"${input}" has two snapshots, which cannot tell a leak from a cache that fills up: three can.`);
    }
  }
  return [...notes];
}
