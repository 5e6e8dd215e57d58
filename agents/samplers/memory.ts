import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Sampler } from './types.ts';

/** Memory of the process and of the main thread's V8 heap. */
export const memory: Sampler = {
  id: 'memory',
  title: 'memory',
  level: 'watch',
  thread: 'observed',
  cost: '25–40 µs once a second (most of it is the resident set size)',
  start() {
    return {
      read() {
        const heap = getHeapStatistics();
        const usage = process.memoryUsage();
        const spaces: Record<string, number> = {};
        for (const space of getHeapSpaceStatistics()) spaces[space.space_name] = space.space_used_size;
        return {
          type: 'memory',
          rssBytes: usage.rss,
          heapUsedBytes: usage.heapUsed,
          heapTotalBytes: usage.heapTotal,
          heapLimitBytes: heap.heap_size_limit,
          externalBytes: usage.external,
          arrayBuffersBytes: usage.arrayBuffers,
          spaces,
        };
      },
      stop() {},
    };
  },
};
