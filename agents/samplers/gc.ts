import { constants, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import type { RowOf } from '../../src/recording/types.ts';
import { builtIn } from '../built-in.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { max, min, monotonicMs } from '../primordials.ts';
import type { Sampler } from './types.ts';

/** Of `byKind`: what Node calls the kinds, and the upper bounds of durations, in seconds. */
export const GC_KINDS = ['major', 'minor', 'incremental', 'weakcb'] as const;
export const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];

/** Collections counted per reading (a second): each costs 10–50 µs, so at most 0.5 % of the thread. */
const MAX_COUNTED = 100;

/**
 * Pauses of the garbage collector. By PerformanceObserver, whose entries mean the same on every Node version
 * (V8's own trace-event names do not). If there are very many, the rest of the second is not counted.
 */
export const gc: Sampler = {
  id: 'gc',
  title: 'garbage collection',
  level: 'watch',
  thread: 'observed',
  cost: 'one callback per loop turn that had a collection, 10–50 µs, at most 100 a second; 10 µs more for a major one',
  start: ({ addGcMs, gcByKind }) => new Collections(addGcMs, gcByKind),
};

class Collections {
  readonly #addGcMs: (ms: number) => void;
  readonly #sensor = createSensor('the observer of collections');
  readonly #observer: PerformanceObserver;
  readonly #byKind: boolean;
  #kinds: NonNullable<RowOf<'gc'>['byKind']> = [];
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;
  #majorCount = 0;
  #majorMs = 0;
  #afterMajor: RowOf<'gc'>['afterMajor'];
  #observing = false;
  #observedMs = 0;
  #since = 0;

  constructor(addGcMs: (ms: number) => void, byKind: boolean) {
    this.#addGcMs = addGcMs;
    this.#byKind = byKind;
    const onCollections = guarded(this.#sensor, (list: PerformanceObserverEntryList) => this.#add(list));
    this.#observer = new PerformanceObserver(onCollections as (list: PerformanceObserverEntryList) => void);
    this.#resume();
  }

  read() {
    if (isOff(this.#sensor)) {
      this.stop();
      return null;
    }
    if (this.#observing) this.#observedMs += monotonicMs() - this.#since;
    const row = this.#count > 0 ? this.#row() : null;
    this.#afterMajor = undefined;
    this.#kinds = [];
    this.#count = this.#totalMs = this.#maxMs = this.#majorCount = this.#majorMs = this.#observedMs = 0;
    this.#resume();
    return row;
  }

  /** Until the next reading; or permanently. */
  stop(): void {
    if (!this.#observing) return;
    this.#observing = false;
    this.#observer.disconnect();
    this.#observedMs += monotonicMs() - this.#since;
  }

  #row() {
    return {
      type: 'gc' as const,
      count: this.#count,
      totalMs: this.#totalMs,
      maxMs: this.#maxMs,
      majorCount: this.#majorCount,
      majorMs: this.#majorMs,
      observedMs: this.#observedMs,
      ...(this.#afterMajor && { afterMajor: this.#afterMajor }),
      ...(this.#byKind && { byKind: this.#kinds }),
    };
  }

  #resume(): void {
    this.#since = monotonicMs();
    if (this.#observing) return;
    this.#observing = true;
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  #add(list: PerformanceObserverEntryList): void {
    for (const entry of list.getEntries()) {
      const { duration, startTime } = entry;
      // Reported one turn late: it may be from before the last reading.
      this.#since = min(this.#since, startTime);
      const kind = (entry as unknown as { detail?: { kind?: number } }).detail?.kind;
      this.#count++;
      this.#totalMs += duration;
      this.#maxMs = max(this.#maxMs, duration);
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) {
        this.#majorCount++;
        this.#majorMs += duration;
        this.#afterMajor = readHeap();
      }
      this.#addGcMs(duration);
      if (this.#byKind) this.#addToKind(nameOfKind(kind), duration);
    }
    if (this.#count >= MAX_COUNTED) this.stop();
  }

  #addToKind(kind: (typeof GC_KINDS)[number], ms: number): void {
    let counted = this.#kinds.find((one) => one.kind === kind);
    if (!counted) {
      counted = { kind, totalMs: 0, counts: GC_BUCKETS.map(() => 0).concat(0) };
      this.#kinds[this.#kinds.length] = counted;
    }
    const bucket = GC_BUCKETS.findIndex((seconds) => ms <= seconds * 1000);
    counted.totalMs += ms;
    counted.counts[bucket < 0 ? GC_BUCKETS.length : bucket]!++;
  }
}

function nameOfKind(kind: number | undefined): (typeof GC_KINDS)[number] {
  if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) return 'major';
  if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) return 'incremental';
  return kind === constants.NODE_PERFORMANCE_GC_WEAKCB ? 'weakcb' : 'minor';
}

/** Without the young generation, which has filled again since the collection. */
function readHeap(): NonNullable<RowOf<'gc'>['afterMajor']> {
  const { getHeapSpaceStatistics, getHeapStatistics } = builtIn<typeof import('node:v8')>('v8')!;
  let oldBytes = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) oldBytes += space_used_size;
  }
  return { oldBytes, externalBytes: getHeapStatistics().external_memory };
}
