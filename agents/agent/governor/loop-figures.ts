import { performance } from 'node:perf_hooks';
import { max, min, monotonicMs, process } from '../../primordials.ts';

/** A thread that waits for events most of the time is calm, however seldom a busy host lets it turn its loop. */
const CALM_IDLE = 0.5;
/** The heartbeat alone turns a loop about a hundred times a second: below this, most of the time is in turns of 20 ms and more. */
const SELDOM_TURNS_PER_SECOND = 50;

function turnsSoFar(): number | null {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount ?? null;
}

/**
 * Of its idle time, what counts: all where it runs for at most a tenth of its time, none from four tenths on. A thread that is that busy has
 * moments at its limit, and there it has only the time that it runs.
 */
const UTILIZATION = { calm: 0.1, busy: 0.4 };

/** Of a thread that others hardly let run, at least this much of the time counts as its own. */
const LEAST_OWN_SHARE = 0.05;

const processCpu = process.cpuUsage.bind(process);

/**
 * Of a time, what a budget is a share of: it ran, or it idled and has time to spare. Where others have the cores, a budget of all the time
 * would be most of what the thread gets.
 */
export function ownShare(passedMs: number, idleMs: number, cpuMs: number): number {
  const ranMs = min(max(0, passedMs - idleMs), cpuMs);
  const utilization = ranMs / max(1, ranMs + idleMs);
  const { calm, busy } = UTILIZATION;
  const spare = max(0, min(1, (busy - utilization) / (busy - calm)));
  return max(LEAST_OWN_SHARE, min(1, (ranMs + idleMs * spare) / max(1, passedMs)));
}

export interface Figures {
  /**
   * The thread lives from awaits, or from long calls: it is busy, and its loop seldom turns. V8's promise hooks
   * would leave each of its awaits 25 to 30 ns slower for good, also when they have been removed.
   */
  seldomTurns: boolean;
  /** Of the time, what was its own; too much where other threads of the process ran meanwhile. */
  ownShare: number;
}

/** What the thread's time went into, since it was read last. */
export function createLoopFigures(): () => Figures {
  let last = readClocks();
  return () => {
    const now = readClocks();
    const passedMs = max(1, now.ms - last.ms);
    const idleMs = now.idleMs - last.idleMs;
    const perSecond = now.turns === null || last.turns === null ? 0 : ((now.turns - last.turns) / passedMs) * 1000;
    const figures = {
      seldomTurns: idleMs < CALM_IDLE * passedMs && perSecond < SELDOM_TURNS_PER_SECOND,
      ownShare: ownShare(passedMs, idleMs, now.cpuMs - last.cpuMs),
    };
    last = now;
    return figures;
  };
}

function readClocks() {
  const { user, system } = processCpu();
  const { idle: idleMs } = performance.eventLoopUtilization();
  return { idleMs, turns: turnsSoFar(), ms: monotonicMs(), cpuMs: (user + system) / 1000 };
}
