/** Long work in short pieces, so that keys and frames can come in between. */
import type { Recording } from '../../recording/types.ts';
import { reportSteps } from '../../report/report.ts';
import type { Report } from '../../report/types.ts';

/** A frame may take 6 ms, and a key should not wait for much more. */
const SLICE_MS = 4;
/** After a judgement, the pause is this many times as long: at most a tenth of a core. */
const REST_FACTOR = 9;

/** Runs the steps, some ms at a time; what it returns stops that. */
export function inSlices<T>(steps: Generator<undefined, T>, onDone: (result: T, busyMs: number) => void): () => void {
  let busyMs = 0;
  let next: NodeJS.Immediate | null = setImmediate(slice);
  function slice(): void {
    const begin = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      const ms = performance.now() - begin;
      if (done) {
        next = null;
        onDone(value, busyMs + ms);
        return;
      }
      if (ms < SLICE_MS) continue;
      busyMs += ms;
      next = setImmediate(slice);
      return;
    }
  }
  return () => {
    if (next) clearImmediate(next);
  };
}

export interface Judge {
  /** The newest request counts. One that is urgent waits for nothing. */
  ask(recordings: readonly Recording[], atMs: number, urgent: boolean): void;
  stop(): void;
}

/** Judges rows between frames, and not all the time. */
export function createJudge(onReport: (report: Report, atMs: number) => void): Judge {
  let stopSlices: (() => void) | null = null;
  let waiting: { recordings: readonly Recording[]; atMs: number } | null = null;
  let timer: NodeJS.Timeout | null = null;
  const begin = (): void => {
    timer = null;
    if (!waiting) return;
    const { recordings, atMs } = waiting;
    waiting = null;
    stopSlices = inSlices(reportSteps(recordings), (report, busyMs) => {
      stopSlices = null;
      timer = setTimeout(begin, busyMs * REST_FACTOR);
      onReport(report, atMs);
    });
  };
  const stop = (): void => {
    stopSlices?.();
    stopSlices = null;
    if (timer) clearTimeout(timer);
    timer = null;
  };
  return {
    ask(recordings, atMs, urgent) {
      waiting = { recordings, atMs };
      if (urgent) stop();
      if (!stopSlices && !timer) begin();
    },
    stop,
  };
}
