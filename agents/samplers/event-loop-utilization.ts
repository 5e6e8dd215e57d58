import { performance } from 'node:perf_hooks';
import type { Sampler } from './types.ts';

/** Share of the last interval that the loop was busy. A delta: without a baseline the figure is cumulative. */
export const eventLoopUtilization: Sampler = {
  id: 'event-loop-utilization',
  title: 'event-loop utilization',
  level: 'watch',
  thread: 'observed',
  cost: '1 µs once a second',
  start() {
    let last = performance.eventLoopUtilization();
    return {
      read() {
        const now = performance.eventLoopUtilization();
        const { utilization, active, idle } = performance.eventLoopUtilization(now, last);
        last = now;
        return { type: 'event-loop-utilization', utilization, activeMs: active, idleMs: idle };
      },
      stop() {},
    };
  },
};
