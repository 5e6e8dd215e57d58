import { executionAsyncId } from 'node:async_hooks';
import { type PerformanceEntry, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import { EventKind, TICKS_PER_US } from '../../../src/protocol/async-trace.ts';
import { guarded, type Sensor } from '../../guard.ts';
import type { Write } from './event-ring.ts';

/** Events of garbage collections. */
export function followCollections(write: Write, sensor: Sensor) {
  const collected = (entry: PerformanceEntry): void => {
    const { kind = 0 } = (entry as unknown as { detail?: { kind?: number } }).detail ?? {};
    write(EventKind.Collection, kind, entry.duration * TICKS_PER_US * 1000, 0, 0, entry.startTime);
  };
  const onCollections = guarded(sensor, (list: PerformanceObserverEntryList) => {
    for (const entry of list.getEntries()) collected(entry);
    write(EventKind.Own, 0, executionAsyncId(), 0, 0);
  });
  const observer = new PerformanceObserver(onCollections as (list: PerformanceObserverEntryList) => void);
  return {
    start: (): void => observer.observe({ entryTypes: ['gc'] }),
    /** Those that have not been reported yet. */
    flush(): void {
      for (const entry of observer.takeRecords()) collected(entry);
    },
    stop: (): void => observer.disconnect(),
  };
}
