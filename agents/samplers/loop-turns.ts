import { performance } from 'node:perf_hooks';
import { monotonicMs } from '../primordials.ts';
import type { Sampler } from './types.ts';

interface LoopMetrics {
  loopCount: number;
  events: number;
}

/** libuv's own counters of loop turns and of events; Node 20.18, 22.8 and later have them. */
function loopMetrics(): LoopMetrics | undefined {
  return (performance.nodeTiming as unknown as { uvMetricsInfo?: LoopMetrics }).uvMetricsInfo;
}

/** How often the loop turned, and how many system events it received: many turns without events are a poll. */
export const loopTurns: Sampler = {
  id: 'loop-turns',
  title: 'turns of the event loop',
  level: 'watch',
  thread: 'observed',
  cost: '2 µs once a second',
  start() {
    let last = loopMetrics();
    let lastAt = monotonicMs();
    return {
      read() {
        const now = loopMetrics();
        if (!now || !last) return null;
        const at = monotonicMs();
        const turns = now.loopCount - last.loopCount;
        const row = { type: 'loop-turns' as const, intervalMs: at - lastAt, turns, events: now.events - last.events };
        [last, lastAt] = [now, at];
        return row;
      },
      stop() {},
    };
  },
};
