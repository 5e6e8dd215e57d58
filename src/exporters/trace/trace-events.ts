import { type Recording, type Row, rowsOf, type StallRow } from '../../recording/types.ts';
import { markerEvents } from './markers.ts';
import { rowEvents } from './row-events.ts';
import { stallEvents } from './stall-events.ts';
import { namesOf } from './threads.ts';
import { MAX_EVENTS, type Trace, type TraceEvent, type TraceMarker } from './types.ts';

/**
 * A timeline that ui.perfetto.dev and chrome://tracing open: threads side by side; what blocked, with its stacks; deep samples;
 * what never finished; figures by second; markers.
 */
export function traceEvents(
  recordings: readonly Recording[],
  markers: readonly TraceMarker[],
  maxEvents = MAX_EVENTS,
): Trace {
  const zeroMs = Math.min(...recordings.map(({ header }) => header.startMonotonicMs));
  const names = recordings.flatMap(({ header }) => namesOf(header));
  const room = Math.max(0, maxEvents - names.length - markers.length);
  const eventsAt = (stride: number, stalls?: ReadonlySet<Row>): TraceEvent[] =>
    recordings.flatMap((recording) => rowEvents(recording, { stride, zeroMs, stalls }));
  const all = eventsAt(1);
  const kept = all.length <= room ? all : thinnedOut(recordings, eventsAt, all.length, room);
  return {
    events: [...names, ...kept, ...markerEvents(markers, recordings, zeroMs)],
    dropped: all.length - kept.length,
  };
}

/** Every second, third … row of a series; if that is not enough, only the longest stalls. Then the last ones are dropped. */
function thinnedOut(
  recordings: readonly Recording[],
  eventsAt: (stride: number, stalls?: ReadonlySet<Row>) => TraceEvent[],
  count: number,
  room: number,
): TraceEvent[] {
  const most = recordings.reduce((sum, { rows }) => sum + rows.length, 0) + 1;
  const least = eventsAt(most);
  if (least.length > room) {
    const stalls = recordings.flatMap((recording) => rowsOf(recording, 'stall'));
    return eventsAt(most, longestOf(stalls, room - least.length)).slice(0, room);
  }
  const series = (count - least.length) / Math.max(1, room - least.length);
  for (let stride = 2 ** Math.max(1, Math.floor(Math.log2(Math.max(1, series)))); stride < most; stride *= 2) {
    const events = eventsAt(stride);
    if (events.length <= room) return events;
  }
  return least;
}

/** As many as fit: their events are fewer than those of all by the number that does not fit. */
function longestOf(stalls: readonly StallRow[], missing: number): ReadonlySet<Row> {
  const costs = new Map(stalls.map((stall) => [stall, stallEvents(stall, (ms) => ms).length]));
  let left = missing + [...costs.values()].reduce((sum, cost) => sum + cost, 0);
  const kept = new Set<Row>();
  for (const stall of stalls.toSorted((a, b) => b.durationMs - a.durationMs)) {
    left -= costs.get(stall)!;
    if (left < 0) break;
    kept.add(stall);
  }
  return kept;
}
