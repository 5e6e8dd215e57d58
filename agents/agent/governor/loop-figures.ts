import { performance } from 'node:perf_hooks';
import { max, monotonicMs } from '../../primordials.ts';

/** A thread that waits for events most of the time is calm, however seldom a busy host lets it turn its loop. */
const CALM_IDLE = 0.5;
/** The heartbeat alone turns a loop about a hundred times a second: below this, most of the time is in turns of 20 ms and more. */
const SELDOM_TURNS_PER_SECOND = 50;

function turnsSoFar(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}

/**
 * Whether the thread lives from awaits, or from long calls: it is busy, and its loop seldom turns. V8's promise hooks
 * would leave each of its awaits 25 to 30 ns slower for good, also when they have been removed.
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
      return idleShare < CALM_IDLE && perSecond < SELDOM_TURNS_PER_SECOND;
    },
  };
}
