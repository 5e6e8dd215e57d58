import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { Sampler } from './types.ts';

/**
 * Pauses of the garbage collector. By PerformanceObserver, whose entries mean the same on every Node version
 * (V8's own trace-event names do not).
 */
export const gc: Sampler = {
  id: 'gc',
  title: 'garbage collection',
  level: 'watch',
  thread: 'main',
  cost: 'one callback per loop turn that had a collection, about 10 µs',
  start({ addGcMs }) {
    let count = 0;
    let totalMs = 0;
    let maxMs = 0;
    let majorCount = 0;
    let majorMs = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { duration } = entry;
        const kind = (entry as unknown as { detail?: { kind?: number } }).detail?.kind;
        count++;
        totalMs += duration;
        maxMs = Math.max(maxMs, duration);
        if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) {
          majorCount++;
          majorMs += duration;
        }
        addGcMs(duration);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
    return {
      read() {
        if (count === 0) return null;
        const row = { type: 'gc' as const, count, totalMs, maxMs, majorCount, majorMs };
        count = totalMs = maxMs = majorCount = majorMs = 0;
        return row;
      },
      stop: () => observer.disconnect(),
    };
  },
};
