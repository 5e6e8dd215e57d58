import { type Recording, rowsOf, type StallOpenRow, type StallRow } from '../recording/types.ts';

/** An unfinished stall that was told last so long before the end is over, whatever became of its row. */
const OPEN_MS = 60_000;

/** All stalls that are not breakpoints, those that still lasted when the recording ended included. */
export function allStalls(recording: Recording): StallRow[] {
  return [...rowsOf(recording, 'stall'), ...unfinished(recording)].filter((stall) => !stall.debugger);
}

/** The time a thread waited for a core is the host's, not the code's. */
export function withoutQueue({ durationMs, runQueueMs }: StallRow): number {
  return Math.max(0, durationMs - (runQueueMs ?? 0));
}

/** A stall that lasted when the recording ended (killed, or read live) has only its opening rows. */
function unfinished(recording: Recording): StallRow[] {
  const closed = new Set(rowsOf(recording, 'stall').map(({ id }) => id));
  const last = new Map<number, StallOpenRow>();
  for (const row of rowsOf(recording, 'stall-open')) if (!closed.has(row.id)) last.set(row.id, row);
  if (rowsOf(recording, 'end').length > 0) return [];
  return [...last.values()]
    .filter((row) => row.startMs + row.durationMs > recording.durationMs - OPEN_MS)
    .map((row) => ({
      ...row,
      type: 'stall',
      kind: row.kind ?? 'js-cpu',
      stacks: [],
      cpuMs: null,
      runQueueMs: null,
      gcMs: 0,
      startup: false,
      debugger: false,
      waiting: row.waiting ?? 1,
      confidence: row.location ? 0.7 : 0.2,
    }));
}
