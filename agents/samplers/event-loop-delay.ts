import type { Sampler } from './types.ts';

/**
 * Delay of the event loop: perf_hooks' histogram, which a libuv timer fills without running JavaScript, and the
 * longest gap between heartbeats that the watchdog saw. Read and reset from the watchdog.
 */
export const eventLoopDelay: Sampler = {
  id: 'event-loop-delay',
  title: 'event-loop delay',
  level: 'watch',
  thread: 'watchdog',
  cost: 'a libuv timer every 10 ms on the main thread, no JavaScript: not measurable (0.95–1.02)',
  start({ histogram, heartbeatMaxMs }) {
    return {
      read() {
        if (histogram.count === 0) return null;
        const row = {
          type: 'event-loop-delay' as const,
          count: histogram.count,
          meanMs: histogram.mean / 1e6,
          p50Ms: histogram.percentile(50) / 1e6,
          p90Ms: histogram.percentile(90) / 1e6,
          p99Ms: histogram.percentile(99) / 1e6,
          maxMs: histogram.max / 1e6,
          heartbeatMaxMs: heartbeatMaxMs(),
        };
        histogram.reset();
        return row;
      },
      stop() {},
    };
  },
};
