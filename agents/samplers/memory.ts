import { isMainThread, resourceLimits } from 'node:worker_threads';
import { builtIn } from '../built-in.ts';
import { NativeNumber, process } from '../primordials.ts';
import type { Sampler } from './types.ts';

type V8 = typeof import('node:v8');

const OLD_LIMIT = /^--max[-_]old[-_]space[-_]size=(\d+)$/;

/** Memory of the process and of the main thread's V8 heap. */
export const memory: Sampler = {
  id: 'memory',
  title: 'memory',
  level: 'watch',
  thread: 'observed',
  cost: '25–40 µs once a second (most of it is the resident set size)',
  start() {
    const oldLimitBytes = oldLimit();
    let v8: V8 | null = null;
    return {
      read() {
        v8 ??= builtIn<V8>('v8')!;
        const heap = v8.getHeapStatistics();
        const usage = process.memoryUsage();
        const spaces: Record<string, number> = {};
        for (const space of v8.getHeapSpaceStatistics()) spaces[space.space_name] = space.space_used_size;
        return {
          type: 'memory',
          rssBytes: usage.rss,
          heapUsedBytes: usage.heapUsed,
          heapTotalBytes: usage.heapTotal,
          heapLimitBytes: heap.heap_size_limit,
          ...(oldLimitBytes !== null && { oldLimitBytes }),
          externalBytes: usage.external,
          arrayBuffersBytes: usage.arrayBuffers,
          spaces,
        };
      },
      stop() {},
    };
  },
};

/** V8 reports the limit of both generations together, and the young one may take 48 to 192 MB of it. */
function oldLimit(): number | null {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
  const option = words.findLast((word) => OLD_LIMIT.test(word));
  const mb = isMainThread ? NativeNumber(option && OLD_LIMIT.exec(option)![1]) : resourceLimits.maxOldGenerationSizeMb;
  return mb && mb > 0 ? mb * 2 ** 20 : null;
}
