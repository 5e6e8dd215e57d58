import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../attach/connect.ts';
import { type AsyncTrace, takeAsyncTrace } from '../attach/take-async-trace.ts';
import { watchRows } from '../attach/watch-rows.ts';
import type { Recording } from '../recording/types.ts';

/** Rows come in bundles, 20 ms apart: those of the last moments are on their way when the trace ends. */
const LAST_ROWS_MS = 100;

export interface ProcessTrace extends AsyncTrace {
  process: { pid: number; argv: string[] };
  /** What its agent keeps of each thread. */
  recordings: Recording[];
}

/** Follows the operations of a running process for some time. Ctrl-C ends it early; what there is by then is kept. Throws TargetError. */
export async function traceProcess(pid: number, durationMs: number): Promise<ProcessTrace> {
  const connection = await connect(pid);
  const endEarly = (): void => void connection.request('end-async-trace').catch(() => {});
  process.once('SIGINT', endEarly);
  const stopProgress = showProgress(pid, durationMs);
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
    connection.close();
  }
}

/** Counts down on a terminal. */
function showProgress(pid: number, durationMs: number): () => void {
  if (!process.stderr.isTTY) return () => {};
  const endAt = performance.now() + durationMs;
  const show = (): void => {
    const left = Math.max(0, Math.ceil((endAt - performance.now()) / 1000));
    process.stderr.write(`\r\x1b[Ktracing process ${pid}: ${left} s left`);
  };
  show();
  const timer = setInterval(show, 250);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  };
}
