import { type Recording, type RowOf, rowsOf } from '../../recording/types.ts';

/** A pause of the collector in a trace of V8. */
export interface CollectionEvent {
  /** Names of V8's trace, by which clinic doctor tells the spaces. */
  name: 'V8.GCScavenger' | 'V8.GCFinalizeMC';
  startMs: number;
  durationMs: number;
}

/** So many pauses of each kind stand for those of one second. */
const MOST_PAUSES = 5;
/** The agent writes a row a second. */
const INTERVAL_MS = 1000;
/** Without any event clinic doctor says that it has no data: these, of no length, say that nothing was collected. */
const EMPTY_EVENTS = 10;

/** Each second's collections: as many as there were, up to five of each kind, that took as long together. */
export function collectionEvents(recording: Recording): CollectionEvent[] {
  if (!recording.header.samplers.includes('gc')) return [];
  const rows = rowsOf(recording, 'gc');
  const events = rows.flatMap((row, i) => eventsOf(row, rows[i - 1]?.t ?? 0));
  const quiet = Array.from({ length: EMPTY_EVENTS }, (_, i) => ({
    name: 'V8.GCScavenger' as const,
    startMs: ((i + 0.5) * recording.durationMs) / EMPTY_EVENTS,
    durationMs: 0,
  }));
  return [...quiet, ...events].sort((a, b) => a.startMs - b.startMs);
}

function eventsOf(row: RowOf<'gc'>, beforeMs: number): CollectionEvent[] {
  const { t, count, totalMs, majorCount, majorMs, observedMs = INTERVAL_MS } = row;
  const lengthMs = Math.min(t, Math.max(1, observedMs));
  // Where there are very many, only a part of the interval is observed: the rest was alike.
  const sinceMs = t - beforeMs;
  const factor = beforeMs > 0 && sinceMs > 1.5 * lengthMs && sinceMs < 1.5 * INTERVAL_MS ? sinceMs / lengthMs : 1;
  const fromMs = t - Math.min(t, lengthMs * factor);
  const half = (t - fromMs) / 2;
  const minor = spread('V8.GCScavenger', count - majorCount, (totalMs - majorMs) * factor, fromMs, half);
  return [...minor, ...spread('V8.GCFinalizeMC', majorCount, majorMs * factor, fromMs + half, half)];
}

function spread(name: CollectionEvent['name'], count: number, totalMs: number, fromMs: number, lengthMs: number) {
  const pauses = Math.min(count, MOST_PAUSES);
  const durationMs = totalMs / pauses;
  return Array.from({ length: Math.max(0, pauses) }, (_, i) => ({
    name,
    startMs: fromMs + (i * lengthMs) / pauses,
    durationMs,
  }));
}
