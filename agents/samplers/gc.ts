import { constants, type PerformanceEntry, type PerformanceObserverEntryList } from 'node:perf_hooks';
import type { RowOf } from '../../src/recording/types.ts';
import { builtIn } from '../built-in.ts';
import { type CollectionEntries, collectionEntries, mayBreakNode } from '../collection-entries.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { max, min, monotonicMs } from '../primordials.ts';
import type { Sampler } from './types.ts';

/** Of `byKind`: what Node calls the kinds, and the upper bounds of durations, in seconds. */
export const GC_KINDS = ['major', 'minor', 'incremental', 'weakcb'] as const;
export const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];

/** Collections counted per reading (a second): each costs 10–50 µs, so at most 0.5 % of the thread. */
const MAX_COUNTED = 100;

/** Pauses of the garbage collector. If there are very many, the rest of the second is not counted. */
export const gc: Sampler = {
  id: 'gc',
  title: 'garbage collection',
  level: 'watch',
  thread: 'observed',
  cost: 'one callback per collection, 10–50 µs, at most 100 a second; 10 µs more for a major one',
  start: ({ addGcMs, gcByKind }) => new Collections(addGcMs, gcByKind),
};

class Collections {
  readonly #addGcMs: (ms: number) => void;
  readonly #sensor = createSensor('the observer of collections');
  readonly #entries: CollectionEntries;
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
    const onEntry = guarded(this.#sensor, (entry: PerformanceEntry) => this.#add(entry));
    const onList = guarded(this.#sensor, (list: PerformanceObserverEntryList) => {
      for (const entry of list.getEntries()) this.#add(entry);
    });
    this.#entries = collectionEntries(onEntry, onList);
    this.#resume();
  }

  read() {
    if (isOff(this.#sensor) || mayBreakNode()) {
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
    this.#entries.stop();
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
    this.#entries.start();
  }

  #add(entry: PerformanceEntry): void {
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
