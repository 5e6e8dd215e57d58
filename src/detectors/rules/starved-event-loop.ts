import { functionKey, toLocation } from '../../recording/places.ts';
import type { StallRow } from '../../recording/types.ts';
import { innermost, maxOf, toStack } from '../busy-time.ts';
import { round, scoreOf } from '../severity.ts';
import { confidenceOfChains } from '../stack-confidence.ts';
import { allStalls, isHeldUp, ownMs } from '../stalls.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** As for one long call (blocked-event-loop): what waits cannot tell the difference. */
const WARNING_COUNT = 3;
const WARNING_MAX_MS = 250;
const CRITICAL_MAX_MS = 1000;
const MAX_CHAIN = 8;

export const starvedEventLoop: Detector = {
  id: 'starved-event-loop',
  title: 'starved event loop',
  description:
    'A chain of promise reactions or of process.nextTick callbacks went on and on. Node drains both queues before it looks at ' +
    'timers and sockets, so none of them ran, though no single call was long. The watchdog sees the heartbeat stop, and on ' +
    'successive stacks that the queue goes on turning.',
  remedy:
    'Let the loop turn: every few milliseconds, await a setImmediate (from node:timers/promises) within the chain.',
  needs: ['event-loop-delay', 'stall', 'stall-open'],
  thresholds: [
    'EVDIAG_SLOW_MS: 100 ms without a turn of the loop, in at least two pairs of stacks of different calls.',
    `warning: ${WARNING_COUNT} times at one place, or once for ${WARNING_MAX_MS} ms, while servers, sockets or timers waited.`,
    `critical: once for ${CRITICAL_MAX_MS} ms.`,
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
};

/** Of a chain of both, stalls differ in what most of their stacks were called by. */
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

function toFinding(group: readonly StallRow[]): Finding {
  const worst = group.reduce((a, b) => (ownMs(b) > ownMs(a) ? b : a));
  const maxMs = ownMs(worst);
  const kind = commonest(group);
  const totalMs = group.reduce((sum, stall) => sum + ownMs(stall), 0);
  const severity = severityOf(group);
  const stack = worst.stacks[0]?.frames ?? [];
  const chain = [...new Set(worst.stacks.flatMap(({ frames }) => frames.filter(isOwn).map(nameOf)))].slice(
    0,
    MAX_CHAIN,
  );
  const place = worst.location ?? (innermost(stack) ? toLocation(innermost(stack)!) : null);
  const where = place ? ` in ${place.function || 'an anonymous function'}` : '';
  const times = group.length === 1 ? 'for' : `${group.length} times, up to`;
  return {
    rule: 'starved-event-loop',
    severity,
    score: scoreOf(severity, totalMs),
    kind,
    message: `${starvedEventLoop.kinds.find((text) => text.kind === kind)!.title.replace(/^a/, 'A')}${where} kept timers and I/O waiting ${times} ${Math.round(maxMs)} ms.`,
    remedy: starvedEventLoop.kinds.find((text) => text.kind === kind)!.remedy,
    location: place,
    stack: toStack(stack),
    count: group.length,
    confidence: confidenceOfChains(group),
    evidence: {
      maxMs: round(maxMs),
      totalMs: round(totalMs),
      firstMs: round(group[0]!.startMs),
      lastMs: round(group.at(-1)!.startMs),
      chain,
    },
  };
}

function isOwn({ category }: { category: string }): boolean {
  return category === 'application' || category === 'dependency';
}

function nameOf({ function: name, file, line }: { function: string; file: string; line: number }): string {
  return `${name || '(anonymous)'} (${file}:${line})`;
}

function severityOf(group: readonly StallRow[]): Severity {
  const harmful = group.filter(({ startup, waiting }) => !startup && (waiting ?? 0) > 0);
  if (harmful.length === 0) return 'info';
  const maxMs = maxOf(harmful.map(ownMs));
  if (maxMs >= CRITICAL_MAX_MS) return 'critical';
  return harmful.length >= WARNING_COUNT || maxMs >= WARNING_MAX_MS ? 'warning' : 'info';
}
