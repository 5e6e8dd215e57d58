/** Stalls that blocked-event-loop reports: whether they are the code's, and what they have in common. */
import { functionKey, lineKey } from '../recording/places.ts';
import type { Location, Recording, StallKind, StallRow } from '../recording/types.ts';
import { round } from './severity.ts';
import { isMostlyHeld } from './stack-confidence.ts';
import { CALL_KINDS } from './stall-kinds.ts';
import { isHeldUp, ownMs } from './stalls.ts';

/** What a start consists of. */
const OF_STARTS: ReadonlySet<StallKind> = new Set(['host', 'module-load']);
/** Threads of a pool may end while they start. */
const LEAST_WORK_MS = 1000;
/** With less CPU time than that, it may have waited for a core. */
const COMPUTED_SHARE = 0.75;
/** A thread that rarely has a core needs more CPU time for the same work, because its caches are cold each time. */
export const STARVED_FACTOR = 1.5;

/** An older agent blamed whatever a starved thread happened to run. */
export function blamed(stall: StallRow, slowMs: number): StallRow {
  return !stall.startup && isHeldUp(stall, slowMs) ? { ...stall, kind: 'host' } : stall;
}

/** Of a worker thread. A pool starts many of one script, each in several pieces: the start is one stall, and has no line. */
export function ofWorkerScript(stall: StallRow, recording: Ended): StallRow {
  if (stall.kind === 'host' || neverReturned(stall, recording)) return stall;
  const own = stall.stacks.flatMap(({ frames }) => frames.findLast(({ category }) => category === 'application') ?? []);
  const script = own[0] ?? stall.location;
  const location = script ? { file: script.file, line: 1, column: 1, function: '' } : null;
  return { ...stall, kind: 'module-load', location };
}

type Ended = Pick<Recording, 'header' | 'durationMs'>;

/** From its first line to its end, and for longer than a start takes: that is its work. */
function neverReturned({ startup, kind, startMs, durationMs }: StallRow, recording: Ended): boolean {
  const isToEnd = startMs + durationMs > recording.durationMs - recording.header.slowMs;
  return startup && !OF_STARTS.has(kind) && durationMs >= LEAST_WORK_MS && isToEnd;
}

/**
 * A stall with a single stack, within a call that other stalls have proven to block, was that call: by itself it would be
 * reported as computation, at the same line.
 */
export function ofProvenCalls(stalls: readonly StallRow[]): StallRow[] {
  const proven = new Set(stalls.filter(({ kind }) => CALL_KINDS.includes(kind)).map(callKey));
  return stalls.map((stall) => {
    const [only, ...others] = stall.stacks;
    if (stall.kind !== 'js-cpu' || !only || others.length > 0 || only.kind === 'js-cpu') return stall;
    return proven.has(callKey({ ...stall, ...only })) ? { ...stall, kind: only.kind, location: only.location } : stall;
  });
}

function callKey({ kind, location, startup }: Pick<StallRow, 'kind' | 'location' | 'startup'>): string {
  return [kind, startup, location && lineKey(location)].join('|');
}

/** Stalls of one cause: of the same kind in the same function, for single calls also at the same line. */
export function groupKey({ kind, location, startup }: StallRow): string {
  if (kind === 'host') return kind;
  const line = kind === 'js-cpu' || kind === 'gc' ? '' : location?.line;
  return [kind, startup, location && functionKey(location), line].join('|');
}

export function manyCallsShare(group: readonly StallRow[]): number {
  const known = group.filter(({ chain }) => chain !== undefined);
  const total = known.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const chained = known.reduce((sum, { chain, durationMs }) => sum + (chain ? durationMs : 0), 0);
  return total > 0 ? round(chained / total, 2) : 0;
}

/** The line with the most blocked time. */
export function placeOf(group: readonly StallRow[]): Location | null {
  const times = new Map<string, { location: Location; ms: number }>();
  for (const stall of group) {
    const { location } = stall;
    if (!location) continue;
    const key = `${location.file}:${location.line}`;
    const entry = times.get(key) ?? { location, ms: 0 };
    entry.ms += ownMs(stall);
    times.set(key, entry);
  }
  return [...times.values()].sort((a, b) => b.ms - a.ms)[0]?.location ?? null;
}

export function isHarmful({ kind, startup, waiting }: StallRow): boolean {
  return kind !== 'host' && !startup && (waiting ?? 0) > 0;
}

/** What makes a stall the code's own fault. */
export function leastMs(stall: StallRow, slowMs: number): number {
  return isMostlyHeld([stall]) ? slowMs * STARVED_FACTOR : slowMs;
}

/** Other tools know only the clock; CPU time shows that it was not the host. */
export function hasComputed({ cpuMs, durationMs }: StallRow): boolean {
  return cpuMs !== null && cpuMs >= COMPUTED_SHARE * durationMs;
}

export function sumOf(group: readonly StallRow[], field: 'cpuMs' | 'runQueueMs' | 'gcMs'): number | null {
  const values = group.map((stall) => stall[field]).filter((value) => value !== null);
  return values.length > 0 ? round(values.reduce((sum, value) => sum + value, 0)) : null;
}
