import { type Recording, type Row, rowsOf, type StallRow } from '../../recording/types.ts';
import { markerEvents } from './markers.ts';
import { countRowEvents, type RowOptions, rowEvents } from './row-events.ts';
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
  const part: PartOf = (stride, stalls) => ({ stride, zeroMs, stalls });
  const all = countAt(recordings, part(1));
  const kept = eventsAt(recordings, all <= room ? part(1) : thinnedOut(recordings, part, all, room));
  // Of a trace without any room at all, even the longest stalls are too many.
  const fitting = kept.length > room ? kept.slice(0, room) : kept;
  return {
    events: [...names, ...fitting, ...markerEvents(markers, recordings, zeroMs)],
    dropped: all - fitting.length,
  };
}

type PartOf = (stride: number, stalls?: ReadonlySet<Row>) => RowOptions;

function eventsAt(recordings: readonly Recording[], part: RowOptions): TraceEvent[] {
  return recordings.flatMap((recording) => rowEvents(recording, part));
}

/** Those that do not fit are counted and never kept: there may be ten times as many. */
function countAt(recordings: readonly Recording[], part: RowOptions): number {
  return recordings.reduce((sum, recording) => sum + countRowEvents(recording, part), 0);
}

/** Every second, third … row of a series; if that is not enough, only the longest stalls. Then the last ones are dropped. */
function thinnedOut(recordings: readonly Recording[], part: PartOf, count: number, room: number): RowOptions {
  const most = recordings.reduce((sum, { rows }) => sum + rows.length, 0) + 1;
  const least = countAt(recordings, part(most));
  if (least > room) {
    const stalls = recordings.flatMap((recording) => rowsOf(recording, 'stall'));
    return part(most, longestOf(stalls, room - least));
  }
  const series = (count - least) / Math.max(1, room - least);
  for (let stride = 2 ** Math.max(1, Math.floor(Math.log2(Math.max(1, series)))); stride < most; stride *= 2) {
    if (countAt(recordings, part(stride)) <= room) return part(stride);
  }
  return part(most);
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
