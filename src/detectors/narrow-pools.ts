/** Connections of which there are too few: requests go on, but each waits for its turn. */
import { type HttpPool, rowsOf, type UnfinishedRow, type View } from '../recording/types.ts';
import { isLoopBusy } from './loop-busy.ts';

/** Fewer than browsers open to one host: six. More are a limit that somebody chose, or that the other side needs. */
export const FEW_CONNECTIONS = 5;
/** A queue of so many for each connection: a request waits so many times as long as it takes. */
export const QUEUE_RATIO = 4;
/** Of those that wait: so many requests from outside have no answer. Others may be a batch that is in no hurry. */
export const OUTSIDE_SHARE = 0.5;
/** What people notice (100 ms, Nielsen 1993). */
export const NOTICED_MS = 100;
/** Rows in a row: each is a momentary look. */
const LEAST_ROWS = 4;
/** A burst is over before. */
export const QUEUED_MS = 3000;
/** Requests that were followed from the end of the queue: one may be chance. */
const LEAST_FOLLOWED = 3;

const READS = ['unfinished', 'waits', 'event-loop-utilization'] as const;
type Seen = View<(typeof READS)[number]>;

/** A queue that stood for a while. */
export interface NarrowPool {
  pool: HttpPool;
  /** Requests that waited at a time, on average, and requests from outside without an answer. */
  waiting: number;
  unanswered: number;
  /** How long one waits, on average. */
  waitMs: number;
  spanMs: number;
}

interface Run {
  rows: { t: number; pool: HttpPool; unanswered: number }[];
}

/** For each address the longest queue, if there is one. */
export function narrowPools(recording: Seen): NarrowPool[] {
  const pools = new Map(rowsOf(recording, 'waits').map((row) => [row.trackedMs, row.pools]));
  const running = new Map<string, Run>();
  const all: Run[] = [];
  for (const row of rowsOf(recording, 'unfinished')) {
    const queues = (pools.get(row.trackedMs) ?? []).filter((pool) => isQueue(pool, row));
    for (const name of running.keys()) if (queues.every((pool) => pool.name !== name)) running.delete(name);
    for (const pool of queues) {
      const run = running.get(pool.name) ?? { rows: [] };
      if (run.rows.length === 0) all.push(run);
      running.set(pool.name, run);
      run.rows.push({ t: row.t, pool, unanswered: row.unanswered ?? 0 });
    }
  }
  return onePerAddress(all.flatMap((run) => toNarrow(run, recording) ?? []));
}

function isQueue({ max, taken, waiting, held }: HttpPool, { unanswered = 0 }: UnfinishedRow): boolean {
  const unread = held.filter(({ state }) => state === 'unread').length;
  return (
    max <= FEW_CONNECTIONS &&
    taken >= max &&
    waiting >= max * QUEUE_RATIO &&
    unanswered >= waiting * OUTSIDE_SHARE &&
    unread * 2 < taken
  );
}

function toNarrow({ rows }: Run, recording: Seen): NarrowPool | null {
  const [first, last] = [rows[0]!, rows.at(-1)!];
  const spanMs = last.t - first.t;
  if (rows.length < LEAST_ROWS || spanMs < QUEUED_MS || isLoopBusy(recording, first.t, last.t)) return null;
  const followed = rows.reduce((sum, { pool }) => sum + (pool.waited?.count ?? 0), 0);
  const waitMs = rows.reduce((sum, { pool }) => sum + (pool.waited?.ms ?? 0), 0) / followed;
  if (followed < LEAST_FOLLOWED || waitMs < NOTICED_MS) return null;
  const mean = (of: (row: Run['rows'][number]) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const { pool } = rows.findLast((row) => row.pool.queued?.location) ?? last;
  return { pool, waiting: mean((row) => row.pool.waiting), unanswered: mean((row) => row.unanswered), waitMs, spanMs };
}

function onePerAddress(found: readonly NarrowPool[]): NarrowPool[] {
  const byName = new Map<string, NarrowPool>();
  for (const one of found.toSorted((a, b) => a.spanMs - b.spanMs)) byName.set(one.pool.name, one);
  return [...byName.values()];
}
