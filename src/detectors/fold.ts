import { functionKey } from '../recording/places.ts';
import type { Finding } from './types.ts';
import { SEVERITIES } from './types.ts';

/** A chain shorter than this is a symptom of its many switches; a longer one is worse than they are. */
const STARVED_MS = 500;
/** Where most of the blocked time was one small call after the other, the turn as a whole was long, not the call. */
const MANY_CALLS_SHARE = 0.5;

/** Stalls that are a smaller part of the busy time are not what keeps the loop busy. */
const STALL_SHARE = 0.3;

/**
 * One root cause is one finding: what another finding at the same place explains becomes one of its symptoms. The rank
 * says which of two explains the other; the lower number is the cause.
 */
export function fold(findings: readonly Finding[]): Finding[] {
  const busyMs = Math.max(
    0,
    ...findings.filter(isBusyLoop).map(({ evidence }) => Number((evidence as { busyMs?: number }).busyMs ?? 0)),
  );
  const isOverloaded = findings.some(({ rule }) => rule === 'overloaded-event-loop');
  const ranked = findings.map((finding) => ({ finding, rank: rankOf(finding, busyMs, isOverloaded) }));
  const causes: { finding: Finding; rank: number }[] = [];
  for (const { finding, rank } of ranked.sort((a, b) => a.rank - b.rank)) {
    const cause = causes.find((other) => Math.max(rank, other.rank) < UNRANKED && explains(other.finding, finding));
    if (cause) addSymptom(cause.finding, finding);
    else causes.push({ rank, finding: { ...finding } });
  }
  return causes.map(({ finding }) => finding);
}

const UNRANKED = 100;

/** What never ends. Those below zero are the cause of a busy loop as well. */
const UNFINISHED: Record<string, number> = {
  'async-deadlock': -3,
  'cancellation-without-cleanup': -2,
  'unbounded-concurrency': -1,
  'growing-workers': 20,
  'missing-timeout': 21,
  'leaked-handles': 22,
  'leaked-listeners': 23,
  'growing-pending-async': 24,
  'stuck-async': 25,
  'leak-suspect': 26,
  'lost-async': 27,
  'floating-promises': 28,
  'unhandled-rejections': 29,
  'growing-heap': 30,
  'growing-external-memory': 31,
};

/** Memory that grows has no place; what never ends keeps it. */
const GROWING_MEMORY: ReadonlySet<string> = new Set(['growing-heap', 'growing-external-memory']);
const KEEPS_MEMORY: ReadonlySet<string> = new Set([
  'async-deadlock',
  'cancellation-without-cleanup',
  'deep-async-chain',
  'growing-pending-async',
  'growing-workers',
  'leak-suspect',
  'leaked-handles',
  'leaked-listeners',
  'missing-timeout',
  'unbounded-concurrency',
]);

/** What never ends says nothing of a busy loop at the same function, nor the other way round, but for these. */
const ALSO: Record<string, readonly string[]> = {
  'deep-async-chain': ['growing-pending-async', 'stuck-async'],
  'timer-storm': ['leaked-handles'],
  'unbounded-concurrency': [
    'blocked-event-loop',
    'gc-pressure',
    'overloaded-event-loop',
    'starved-event-loop',
    'task-switch-churn',
  ],
};

function rankOf({ rule, kind, times, evidence }: Finding, busyMs: number, isOverloaded: boolean): number {
  if (rule === 'starved-event-loop') return (times?.maxMs ?? 0) >= STARVED_MS ? 2 : 4;
  if (rule === 'blocked-event-loop') {
    if (kind !== 'js-cpu' && kind !== 'gc') return kind === 'host' || kind === 'module-load' ? UNRANKED : 1;
    const few = (times?.totalMs ?? 0) < busyMs * STALL_SHARE;
    const small =
      isOverloaded && Number((evidence as { manyCallsShare?: number }).manyCallsShare ?? 0) >= MANY_CALLS_SHARE;
    return few || small || kind === 'gc' ? 9 : 6;
  }
  const ranks: Record<string, number> = {
    'deep-async-chain': 0,
    'timer-storm': 1,
    'task-switch-churn': 3,
    'memory-churn': kind === 'copying' ? 4.5 : 9.5,
    'gc-pressure': 5,
    'cpu-bound-main-thread': 7,
    'overloaded-event-loop': 8,
    'gc-pause': 10,
  };
  return ranks[rule] ?? UNFINISHED[rule] ?? UNRANKED;
}

/** At the same function; a pause of the collector has no place, and belongs to whatever presses it. */
function explains(cause: Finding, symptom: Finding): boolean {
  if (cause.startup || symptom.startup) return false;
  if (cause.rule === symptom.rule) return false;
  if (GROWING_MEMORY.has(symptom.rule)) return keepsMemory(cause, symptom);
  if (!areRelated(cause, symptom)) return false;
  if (symptom.rule === 'gc-pause' || symptom.kind === 'gc') return cause.rule === 'gc-pressure' || cause.kind === 'gc';
  if (cause.rule === 'timer-storm' && symptom.stack.some(({ file }) => file === 'node:internal/timers')) return true;
  // Of what was seen nowhere, whatever floods the loop is reason enough.
  if (!symptom.location && ALSO[cause.rule]?.includes(symptom.rule)) return true;
  if (!cause.location || !symptom.location) return isBusyLoop(cause) && isBusyLoop(symptom);
  return places(cause).has(functionKey(symptom.location)) || places(symptom).has(functionKey(cause.location));
}

/** A heap near its limit is a warning of its own. */
function keepsMemory(cause: Finding, { kind }: Finding): boolean {
  if (kind !== 'old-space' && kind !== 'external') return false;
  if (cause.rule === 'memory-churn') return cause.kind === 'copying';
  return cause.severity !== 'info' && KEEPS_MEMORY.has(cause.rule);
}

function areRelated(cause: Finding, symptom: Finding): boolean {
  if (cause.rule in UNFINISHED !== symptom.rule in UNFINISHED) {
    const isCall = symptom.rule === 'blocked-event-loop' && symptom.kind !== 'js-cpu';
    return !isCall && (ALSO[cause.rule]?.includes(symptom.rule) ?? false);
  }
  // An error that nobody handles is a cause of its own, unless it is of the call that nobody awaits.
  if (symptom.rule === 'unhandled-rejections') return cause.rule === 'floating-promises' && isSameLine(cause, symptom);
  return symptom.rule !== 'floating-promises' || (symptom.evidence as { rejected?: number }).rejected === 0;
}

function isSameLine({ location: a }: Finding, { location: b }: Finding): boolean {
  return a !== null && b !== null && a.file === b.file && a.line === b.line;
}

/** Those that judge the loop as a whole. */
function isBusyLoop({ rule }: Finding): boolean {
  return rule === 'overloaded-event-loop' || rule === 'cpu-bound-main-thread';
}

/** Its function, those that call it, and those that queue up behind it. */
function places({ location, stack, alsoAt }: Finding): Set<string> {
  const own = [...stack, ...alsoAt].filter(
    ({ file }) => !file.startsWith('node:') && !/[\\/]node_modules[\\/]/.test(file),
  );
  return new Set([...(location ? [location] : []), ...own].map(functionKey));
}

function addSymptom(cause: Finding, symptom: Finding): void {
  cause.symptoms = [...cause.symptoms, symptom];
  if (SEVERITIES.indexOf(symptom.severity) > SEVERITIES.indexOf(cause.severity)) {
    cause.severity = symptom.severity;
    cause.score = Math.max(cause.score, symptom.score);
  }
}
