import { performance } from 'node:perf_hooks';
import { max, monotonicMs } from '../../primordials.ts';

/** A thread that waits for events no longer than this share of the time is saturated. */
const SATURATED_IDLE = 0.05;
/** A server that has no time to wait turns its loop hundreds of times a second. */
const SELDOM_TURNS_PER_SECOND = 50;

function turnsSoFar(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}

/**
 * Whether the thread lives from awaits, or from one long call: it never idles, and its loop seldom turns. V8's hooks of promises
 * would leave each of its awaits 25 to 30 ns dearer for good, also when they have been taken out.
 */
export function createLoopFigures() {
  let lastIdleMs = performance.eventLoopUtilization().idle;
  let lastTurns = turnsSoFar();
  let lastMs = monotonicMs();
  return {
    /** Of the time since the last call. */
    seldomTurns(): boolean {
      const { idle } = performance.eventLoopUtilization();
      const turns = turnsSoFar();
      const ms = monotonicMs();
      const passedMs = max(1, ms - lastMs);
      const perSecond = turns === null || lastTurns === null ? 0 : ((turns - lastTurns) / passedMs) * 1000;
      const idleShare = (idle - lastIdleMs) / passedMs;
      lastIdleMs = idle;
      lastTurns = turns;
      lastMs = ms;
      return idleShare <= SATURATED_IDLE && perSecond < SELDOM_TURNS_PER_SECOND;
    },
  };
}
