import { SLOW_MS } from '../../recording/defaults.ts';
import { functionKey, toLocation } from '../../recording/places.ts';
import type { StallRow } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { findingOf, fragments, isOf } from '../finding.ts';
import { CHAIN_PAIRS, CRITICAL_STALL_MS, WARNING_STALL_MS, WARNING_STALLS } from '../limits.ts';
import { nameAndLine } from '../place-findings.ts';
import { innermost, toStack } from '../sampled-frames.ts';
import { round } from '../severity.ts';
import { confidenceOfChains } from '../stack-confidence.ts';
import { allStalls, isHeldUp, ownMs, STALL_ROWS, spanOf } from '../stalls.ts';
import type { Detector, Finding, Severity, Times } from '../types.ts';
import { switchingMs, taskSwitchChurn } from './task-switch-churn.ts';

/** Requests wait for a chain of half a second, whatever else the switches cost. */
const LONG_CHAIN_MS = 500;
/** And where they cost several times as much, a long chain was an exception among them. */
const RARE_SHARE = 0.25;
/** Functions listed in the evidence. */
const MAX_CHAIN = 8;

export interface StarvedEvidence extends Times {
  /** The functions of the chain: "drain (/srv/app.js:20)". */
  chain: string[];
}

const READS = [...STALL_ROWS, 'event-loop-delay'] as const;

export const starvedEventLoop: Detector<StarvedEvidence, typeof READS> = {
  id: 'starved-event-loop',
  title: 'starved event loop',
  description:
    'A chain of promise reactions or of process.nextTick callbacks went on and on. Node drains both queues before it looks at ' +
    'timers and sockets, so none of them ran although no single call was long. The heartbeat stops as in a stall, but successive ' +
    'stacks show that the queue keeps turning.',
  remedy:
    'Let the loop turn: every few milliseconds, await a setImmediate (from node:timers/promises) within the chain.',
  reads: READS,
  needs: [['event-loop-delay', 'stall', 'stall-open']],
  thresholds: [
    `EVDIAG_SLOW_MS: ${SLOW_MS} ms without a turn of the loop, in at least ${CHAIN_PAIRS} pairs of stacks of different calls.`,
    `warning: ${WARNING_STALLS} times at one place, or once for ${WARNING_STALL_MS} ms, while servers, sockets or timers waited.`,
    `critical: once for ${CRITICAL_STALL_MS} ms.`,
  ],
  limits: [
    `Needs at least ${CHAIN_PAIRS} pairs of stacks in different calls: a single stack deepSamples like a stall.`,
  ],
  kinds: [
    {
      kind: 'microtask',
      title: 'a chain of promise reactions',
      remedy:
        'Await a setImmediate (node:timers/promises) every few milliseconds: an await of a value that is there does not let the loop turn.',
      example:
        'while (queue.length) await handle(queue.shift());                                // timers never run\nwhile (queue.length) { await handle(queue.shift()); if (++n % 100 === 0) await setImmediate(); }',
    },
    {
      kind: 'nexttick',
      title: 'a chain of process.nextTick callbacks',
      remedy: 'Use setImmediate for the next step: process.nextTick runs before the loop goes on.',
      example: 'process.nextTick(step); // before any timer or socket\nsetImmediate(step);     // after them',
    },
  ],
  detect(recording) {
    const groups: StallRow[][] = [];
    const groupAt = new Map<string, StallRow[]>();
    const { slowMs } = recording.header;
    for (const stall of allStalls(recording)) {
      if (!isStarvation(stall) || isHeldUp(stall, slowMs)) continue;
      const places = placesOf(stall);
      const known = places.map((place) => groupAt.get(place)).find((group) => group !== undefined);
      const group = known ?? [];
      if (!known) groups.push(group);
      group.push(stall);
      for (const place of places) if (!groupAt.has(place)) groupAt.set(place, group);
    }
    return groups.map(toFinding);
  },
  explains: [
    { ofMinor: false, rule: 'task-switch-churn' },
    { ofMinor: true, rule: 'memory-churn', kinds: ['copying'] },
  ],
  // A short chain is a symptom of its many switches; a long one is worse than they are.
  minor: shortOrRare,
  words: ({ chain }) => fragments(chain.length > 0 && `${plural(chain.length, 'function')} in turn`),
  merge: (evidences) => ({
    ...evidences[0]!,
    maxMs: maxOf(evidences.map(({ maxMs }) => maxMs)),
    totalMs: round(evidences.reduce((sum, { totalMs }) => sum + totalMs, 0)),
  }),
};

/** A long one among thousands is short where nothing observes it, or has to wait for a core: the switches are what repeats. */
function shortOrRare(all: readonly Finding[]): Set<Finding> {
  const switchesMs = maxOf(all.map((one) => (isOf(one, taskSwitchChurn) ? switchingMs(one.evidence) : 0)));
  const isMinor = ({ maxMs, totalMs }: StarvedEvidence): boolean =>
    maxMs < LONG_CHAIN_MS || totalMs < switchesMs * RARE_SHARE;
  return new Set(all.filter((one) => isOf(one, starvedEventLoop) && isMinor(one.evidence)));
}

/** In a chain of both, stalls differ in what called most of their stacks. */
function commonest(group: readonly StallRow[]): string {
  const ticksMs = group.reduce(
    (ms, { chain, durationMs }) => ms + (chain === 'nexttick' ? durationMs : -durationMs),
    0,
  );
  return ticksMs > 0 ? 'nexttick' : 'microtask';
}

/** The functions of a chain call and await each other: which of them a stack hits is chance. */
function placesOf({ location, stacks }: StallRow): string[] {
  const frames = stacks.flatMap((stack) => stack.frames.filter(isOwn));
  const places = [...(location ? [location] : []), ...frames].map(functionKey);
  return places.length > 0 ? places : ['nowhere'];
}

/** A chain of ticks or microtasks; the host's contention is not its fault. */
export function isStarvation({ chain, kind }: Pick<StallRow, 'chain' | 'kind'>): boolean {
  return (chain === 'microtask' || chain === 'nexttick') && kind !== 'host';
}

function toFinding(group: readonly StallRow[]): Finding<StarvedEvidence> {
  const worst = group.reduce((a, b) => (ownMs(b) > ownMs(a) ? b : a));
  const maxMs = ownMs(worst);
  const kind = commonest(group);
  const totalMs = group.reduce((sum, stall) => sum + ownMs(stall), 0);
  const severity = severityOf(group);
  const stack = worst.stacks[0]?.frames ?? [];
  const chain = [...new Set(worst.stacks.flatMap(({ frames }) => frames.filter(isOwn).map(nameAndLine)))].slice(
    0,
    MAX_CHAIN,
  );
  const place = worst.location ?? (innermost(stack) ? toLocation(innermost(stack)!) : null);
  const where = place ? ` in ${nameOf(place)}` : '';
  const often = group.length === 1 ? 'for' : `${group.length} times, up to`;
  const times = { maxMs: round(maxMs), totalMs: round(totalMs) };
  return findingOf(starvedEventLoop, {
    severity,
    lostMs: totalMs,
    kind,
    message: `${starvedEventLoop.kinds.find((text) => text.kind === kind)!.title.replace(/^a/, 'A')}${where} kept timers and I/O waiting ${often} ${Math.round(maxMs)} ms.`,
    location: place,
    stack: toStack(stack),
    count: group.length,
    confidence: confidenceOfChains(group),
    span: spanOf(group),
    times,
    evidence: { ...times, chain },
  });
}

function isOwn({ category }: { category: string }): boolean {
  return category === 'application' || category === 'dependency';
}

function severityOf(group: readonly StallRow[]): Severity {
  const harmful = group.filter(({ startup, waiting }) => !startup && (waiting ?? 0) > 0);
  if (harmful.length === 0) return 'info';
  const maxMs = maxOf(harmful.map(ownMs));
  if (maxMs >= CRITICAL_STALL_MS) return 'critical';
  return harmful.length >= WARNING_STALLS || maxMs >= WARNING_STALL_MS ? 'warning' : 'info';
}
