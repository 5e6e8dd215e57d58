import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '../attach/connect.ts';
import { type AsyncTrace, takeAsyncTrace } from '../attach/take-async-trace.ts';
import { watchRows } from '../attach/watch-rows.ts';
import type { Recording } from '../recording/types.ts';
import { countDown } from './progress.ts';
import { type VisitOptions, withTarget } from './target/visit.ts';

/** Rows come in bundles, 20 ms apart: those of the last moments are on their way when the trace ends. */
const LAST_ROWS_MS = 100;

export interface ProcessTrace extends AsyncTrace {
  process: { pid: number; argv: string[] };
  /** What its agent keeps of each thread. */
  recordings: Recording[];
}

/** Follows the operations of a running process for some time. Ctrl-C ends it early; what there is by then is kept. Throws TargetError. */
export function traceProcess(pid: number, durationMs: number, options: VisitOptions): Promise<ProcessTrace> {
  return withTarget(pid, options, (connection) => traceBy(connection, durationMs));
}

async function traceBy(connection: Connection, durationMs: number): Promise<ProcessTrace> {
  const { pid } = connection.hello;
  const endEarly = (): void => void connection.request('end-async-trace', {}).catch(() => {});
  process.once('SIGINT', endEarly);
  const stopProgress = countDown(`tracing process ${pid}`, durationMs);
  try {
    const { ended, recordings } = watchRows(connection, () => {});
    // That it ends with the connection is no news.
    ended.catch(() => {});
    const trace = await takeAsyncTrace(connection, { durationMs });
    await pause(LAST_ROWS_MS);
    return { ...trace, process: connection.hello, recordings: recordings() };
  } finally {
    stopProgress();
    process.off('SIGINT', endEarly);
  }
}
