import { constants, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { RowOf } from '../../src/recording/types.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { max, min, monotonicMs } from '../primordials.ts';
import type { Sampler } from './types.ts';

/** Collections counted per reading (a second): each costs 10–50 µs, so at most 0.5 % of the thread. */
const MAX_COUNTED = 100;

/**
 * Pauses of the garbage collector. By PerformanceObserver, whose entries mean the same on every Node version
 * (V8's own trace-event names do not). Where there are very many, the rest of the second goes uncounted.
 */
export const gc: Sampler = {
  id: 'gc',
  title: 'garbage collection',
  level: 'watch',
  thread: 'observed',
  cost: 'one callback per loop turn that had a collection, 10–50 µs, at most 100 a second; 10 µs more for a major one',
  start({ addGcMs }) {
    let count = 0;
    let totalMs = 0;
    let maxMs = 0;
    let majorCount = 0;
    let majorMs = 0;
    let afterMajor: RowOf<'gc'>['afterMajor'];
    let observing = false;
    let observedMs = 0;
    let since = 0;
    const sensor = createSensor('the observer of collections');
    const pause = (): void => {
      if (!observing) return;
      observing = false;
      observer.disconnect();
      observedMs += monotonicMs() - since;
    };
    const resume = (): void => {
      since = monotonicMs();
      if (observing) return;
      observing = true;
      observer.observe({ entryTypes: ['gc'] });
    };
    const onCollections = guarded(sensor, (list: PerformanceObserverEntryList) => {
      for (const entry of list.getEntries()) {
        const { duration, startTime } = entry;
        // Told one turn late: it may be of before the last reading.
        since = min(since, startTime);
        const kind = (entry as unknown as { detail?: { kind?: number } }).detail?.kind;
        count++;
        totalMs += duration;
        maxMs = max(maxMs, duration);
        if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) {
          majorCount++;
          majorMs += duration;
          afterMajor = readHeap();
        }
        addGcMs(duration);
      }
      if (count >= MAX_COUNTED) pause();
    });
    const observer = new PerformanceObserver(onCollections as (list: PerformanceObserverEntryList) => void);
    resume();
    return {
      read() {
        if (isOff(sensor)) {
          pause();
          return null;
        }
        if (observing) observedMs += monotonicMs() - since;
        const row = {
          ...{ type: 'gc' as const, count, totalMs, maxMs, majorCount, majorMs, observedMs },
          ...(afterMajor && { afterMajor }),
        };
        const any = count > 0;
        afterMajor = undefined;
        count = totalMs = maxMs = majorCount = majorMs = observedMs = 0;
        resume();
        return any ? row : null;
      },
      stop: pause,
    };
  },
};

/** Without the young generation, which has filled again since the collection. */
function readHeap(): NonNullable<RowOf<'gc'>['afterMajor']> {
  let oldBytes = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) oldBytes += space_used_size;
  }
  return { oldBytes, externalBytes: getHeapStatistics().external_memory };
}
