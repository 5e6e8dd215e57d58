import type { Recording } from '../../recording/types.ts';
import { clean } from './text.ts';
import type { TraceEvent, TraceMarker } from './types.ts';

/** Markers across the process; those before `zeroMs` (of the monotonic clock) are put at the beginning, and say when they were. */
export function markerEvents(
  markers: readonly TraceMarker[],
  recordings: readonly Recording[],
  zeroMs: number,
): TraceEvent[] {
  return markers.flatMap(({ pid, threadId, atMs, name, args }) => {
    const of = recordings.find(({ header }) => header.pid === pid && header.threadId === threadId);
    if (!of) return [];
    const us = Math.round((of.header.startMonotonicMs - zeroMs + atMs) * 1000);
    const shown = us < 0 ? { ...args, secondsBefore: Math.round(-us / 1e5) / 10 } : args;
    return [
      { ph: 'i', s: 'p', cat: 'finding', name: clean(name), pid, tid: threadId, ts: Math.max(0, us), args: shown },
    ];
  });
}
