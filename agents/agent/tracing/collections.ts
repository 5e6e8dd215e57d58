import { executionAsyncId } from 'node:async_hooks';
import type { PerformanceEntry, PerformanceObserverEntryList } from 'node:perf_hooks';
import { EventKind, TICKS_PER_US } from '../../../src/protocol/async-trace.ts';
import { type CollectionEntries, collectionEntries } from '../../collection-entries.ts';
import { guarded, type Sensor } from '../../guard.ts';
import type { Write } from './event-ring.ts';

/** Events of garbage collections. */
export function followCollections(write: Write, sensor: Sensor): CollectionEntries {
  const collected = (entry: PerformanceEntry): void => {
    const { kind = 0 } = (entry as unknown as { detail?: { kind?: number } }).detail ?? {};
    write(EventKind.Collection, kind, entry.duration * TICKS_PER_US * 1000, 0, 0, entry.startTime);
  };
  const onList = guarded(sensor, (list: PerformanceObserverEntryList) => {
    for (const entry of list.getEntries()) collected(entry);
    write(EventKind.Own, 0, executionAsyncId(), 0, 0);
  });
  return collectionEntries(guarded(sensor, collected), onList);
}
