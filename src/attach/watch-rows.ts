import type { LivePart } from '../protocol/live.ts';
import type { Header, Recording, Row, RowType } from '../recording/types.ts';
import { isRow } from '../recording/validate.ts';
import type { Connection } from './connect.ts';

/** Rows kept of one thread: more than half an hour. */
const MAX_ROWS = 20_000;
/** Rows `deep-sample` and `unfinished` have up to 40 kB each. */
const MAX_LARGE_ROWS = 200;
const LARGE: ReadonlySet<RowType> = new Set(['deep-sample', 'unfinished']);
/** This many rows are dropped at a time. */
const SLACK = 1000;
/** No more are followed. */
const MAX_THREADS = 1000;

export interface Watching {
  /** One per thread, the main thread first; a new object if rows have come. */
  recordings(): Recording[];
  /** Rejects with TargetError when the process is gone, or has disconnected this viewer. */
  ended: Promise<never>;
}

/** Follows what the agent records; `onChange` is called with whether a stall has begun or ended. */
export function watchRows(connection: Connection, onChange: (urgent: boolean) => void): Watching {
  const threads = new Map<number, Recording>();
  const onPart = (part: LivePart): void => {
    if (part.part === 'thread') {
      if (threads.size >= MAX_THREADS) return;
      threads.set(part.header.threadId, empty(part.header, part.folder));
      onChange(false);
      return;
    }
    const rows = part.rows.filter(isRow);
    const thread = threads.get(part.threadId);
    if (thread) threads.set(part.threadId, added(thread, rows));
    onChange(rows.some(({ type }) => type === 'stall-open' || type === 'stall'));
  };
  return {
    recordings: () => [...threads.values()].sort((a, b) => a.header.threadId - b.header.threadId),
    ended: connection.request('watch', {}, { onPart, timeoutMs: Number.POSITIVE_INFINITY }),
  };
}

function empty(header: Header, path: string | null): Recording {
  return { header, rows: [], durationMs: 0, droppedRows: 0, skippedLines: 0, truncated: false, path };
}

function added(recording: Recording, rows: readonly Row[]): Recording {
  const all = bounded([...recording.rows, ...rows]);
  const dropped = rows.reduce((sum, row) => sum + (row.type === 'dropped' ? row.rows : 0), 0);
  return {
    ...recording,
    rows: all,
    durationMs: Math.max(recording.durationMs, rows.at(-1)?.t ?? 0),
    droppedRows: recording.droppedRows + dropped,
  };
}

/** The newest rows; the older ones are in the recording. */
function bounded(rows: Row[]): Row[] {
  const newest = rows.length > MAX_ROWS + SLACK ? rows.slice(-MAX_ROWS) : rows;
  let large = newest.reduce((count, { type }) => count + (LARGE.has(type) ? 1 : 0), 0) - MAX_LARGE_ROWS;
  return large <= 0 ? newest : newest.filter(({ type }) => !LARGE.has(type) || large-- <= 0);
}
