import { threadName } from '../../recording/thread-name.ts';
import type { Recording, Row } from '../../recording/types.ts';
import { figuresOf } from './figures.ts';
import { stallEvents } from './stall-events.ts';
import { clean, fullPlace } from './text.ts';
import type { ThreadEvent, TraceEvent } from './types.ts';
import { createWaitingLanes } from './waiting-lanes.ts';

/** A part of these rows is enough for a long recording. */
const SERIES: ReadonlySet<Row['type']> = new Set([
  'active-resources',
  'cpu',
  'event-loop-delay',
  'event-loop-utilization',
  'gc',
  'loop-turns',
  'memory',
  'threads',
  'unfinished',
]);

export interface RowOptions {
  /** One in this many rows of a series. */
  stride: number;
  /** Of the monotonic clock, where the trace begins. */
  zeroMs: number;
  /** Stalls have a track of their own; if not set, they are slices of the thread. */
  stallTrack?: number;
  /** The stalls that fit; all if not set. */
  stalls?: ReadonlySet<Row> | undefined;
}

/** What the rows of one thread say: stalls, deep samples, lanes of what waits, figures and single moments. */
export function rowEvents(recording: Recording, options: RowOptions): TraceEvent[] {
  const { pid } = recording.header;
  const events: TraceEvent[] = [];
  visitEvents(recording, options, (event, tid) => events.push({ ...event, name: clean(event.name), pid, tid }));
  return events;
}

/** As many as `rowEvents` returns, without keeping them. */
export function countRowEvents(recording: Recording, options: RowOptions): number {
  let count = 0;
  visitEvents(recording, options, () => count++);
  return count;
}

function visitEvents(
  { header, rows, durationMs }: Recording,
  { stride, zeroMs, stallTrack, stalls }: RowOptions,
  visit: (event: ThreadEvent, tid: number) => void,
): void {
  const { pid, threadId } = header;
  const offsetMs = header.startMonotonicMs - zeroMs;
  const at = (ms: number): number => Math.max(0, Math.round((offsetMs + ms) * 1000));
  const seen = new Map<string, number>();
  const add = (event: ThreadEvent, tid = threadId): void => visit(event, tid);
  const suffix = threadId === 0 ? '' : ` (${threadName(threadId)})`;
  let stalledUntilMs = Number.NEGATIVE_INFINITY;
  const lanes = createWaitingLanes(add, at, `${pid}.${threadId}`);

  for (const row of rows) {
    const nth = seen.get(row.type) ?? 0;
    seen.set(row.type, nth + 1);
    if (SERIES.has(row.type) && nth % stride !== 0) continue;
    if (row.type === 'stall') {
      if (stalls && !stalls.has(row)) continue;
      const { startMs, durationMs: lastedMs } = row;
      // Their ends are known by the heartbeat: one that follows at once may seem to begin before.
      const fromMs = Math.max(startMs, stalledUntilMs);
      stalledUntilMs = Math.max(fromMs, startMs + lastedMs);
      const apart = { ...row, startMs: fromMs, durationMs: stalledUntilMs - fromMs };
      if (at(stalledUntilMs) > at(fromMs)) for (const event of stallEvents(apart, at)) add(event, stallTrack);
    } else if (row.type === 'unfinished') for (const entry of row.entries) lanes.see(row.t, entry);
    else if (row.type === 'deep-sample')
      for (const event of deepSampleEvents(row, `${pid}.${threadId}`, at)) add(event);
    else {
      const moment = momentOf(row);
      if (moment) add({ ph: 'i', s: 't', cat: 'event', name: moment[0], ts: at(row.t), args: moment[1] });
      for (const [name, args] of figuresOf(row)) add({ ph: 'C', name: `${name}${suffix}`, ts: at(row.t), args });
    }
  }
  lanes.end(durationMs);
}

function deepSampleEvents(
  row: Row & { type: 'deep-sample' },
  owner: string,
  at: (ms: number) => number,
): ThreadEvent[] {
  const { startMs, durationMs, reasons, samples, busySamples } = row;
  const common = { cat: 'deep-sample', id: `deep-sample.${owner}.${startMs}`, name: 'deep sample' };
  return [
    { ...common, ph: 'b', ts: at(startMs), args: { reasons, samples, busySamples } },
    { ...common, ph: 'e', ts: at(startMs + durationMs) },
  ];
}

/** What happened at one moment, in words, and what there is to know of it. */
function momentOf(row: Row): [string, Record<string, unknown>] | null {
  switch (row.type) {
    case 'rejection': {
      const { error, count, kind, call, location } = row;
      return [`unhandled rejection: ${error}`, { count, kind, at: fullPlace(call ?? location) }];
    }
    case 'orphans':
      return ['Promise.all failed, others run on', { pending: row.pending, at: fullPlace(row.location) }];
    case 'aborted':
      return ['aborted', { leftovers: row.leftovers.length, at: fullPlace(row.scope ?? row.abortedAt) }];
    case 'level':
      return [`level ${row.level}`, {}];
    case 'dropped':
      return ['rows were dropped', { rows: row.rows, why: row.why }];
    case 'agent-error':
      return ['the agent failed', { message: clean(row.message) }];
    case 'end':
      return ['end', { reason: row.reason, exitCode: row.exitCode, signal: row.signal }];
    default:
      return null;
  }
}
