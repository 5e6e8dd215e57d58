import type { Recording } from '../../recording/types.ts';
import { markerEvents } from './markers.ts';
import { rowEvents } from './row-events.ts';
import { namesOf } from './threads.ts';
import { MAX_EVENTS, type Trace, type TraceMarker } from './types.ts';

/**
 * A timeline that ui.perfetto.dev and chrome://tracing open: threads side by side; what blocked, with its stacks; looks;
 * what never finished; figures by second; markers.
 */
export function traceEvents(
  recordings: readonly Recording[],
  markers: readonly TraceMarker[],
  maxEvents = MAX_EVENTS,
): Trace {
  const zeroMs = Math.min(...recordings.map(({ header }) => header.startMonotonicMs));
  const names = recordings.flatMap(({ header }) => namesOf(header));
  const spent = names.length + markers.length;
  const most = recordings.reduce((sum, { rows }) => sum + rows.length, 0);
  const eventsAt = (stride: number) => recordings.flatMap((recording) => rowEvents(recording, { stride, zeroMs }));
  for (let stride = 1; ; stride *= 2) {
    const events = eventsAt(stride);
    // Nothing is left to thin out: then the last ones go.
    const isLast = stride > most;
    if (spent + events.length > maxEvents && !isLast) continue;
    const kept = events.slice(0, Math.max(0, maxEvents - spent));
    const all = stride === 1 ? events.length : eventsAt(1).length;
    return { events: [...names, ...kept, ...markerEvents(markers, recordings, zeroMs)], dropped: all - kept.length };
  }
}
