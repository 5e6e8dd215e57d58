/** Memory, its collection, and what stays. */
import type { RowBase } from './header.ts';
import type { Location } from './places.ts';

export interface MemoryRow extends RowBase {
  type: 'memory';
  rssBytes: number;
  heapUsedBytes: number;
  heapTotalBytes: number;
  /** Of both generations. */
  heapLimitBytes: number;
  /** Of the old generation only, if an option or the creator of the worker thread set it (format 1.3). */
  oldLimitBytes?: number;
  externalBytes: number;
  arrayBuffersBytes: number;
  /** Used bytes by V8 heap space. */
  spaces: Record<string, number>;
}

export interface GcRow extends RowBase {
  type: 'gc';
  /** Time over which collections were counted: only a part of the interval if there are very many (format 1.1). */
  observedMs?: number;
  count: number;
  totalMs: number;
  maxMs: number;
  majorCount: number;
  majorMs: number;
  /** Just after the last major collection: objects without the young ones, and memory outside the heap (format 1.3). */
  afterMajor?: { oldBytes: number; externalBytes: number };
  /** By kind, `counts` by duration: up to 1, 10, 100 ms, 1, 2, 5 s, and longer; only with EVDIAG_METRICS (format 1.5). */
  byKind?: { kind: 'major' | 'minor' | 'incremental' | 'weakcb'; totalMs: number; counts: number[] }[];
}

/** A function that allocated what is still alive; `bytes` are estimates from the samples. */
export interface AllocationSite {
  /** Where the function begins: V8 does not report the line. */
  location: Location;
  /** The only line of the function that allocates or keeps something, according to its text; null if several do, or none. */
  line: { line: number; column: number; code: string } | null;
  aliveBytes: number;
  /** The part of these that was allocated in the first half of the time, by number of samples. What does not leak is young. */
  olderBytes: number;
  samples: number;
}

/** What was allocated since sampling began and is still alive after a full collection, by function (format 1.3). */
export interface AllocationsRow extends RowBase {
  type: 'allocations';
  sinceMs: number;
  intervalBytes: number;
  /** Of all functions. */
  aliveBytes: number;
  /** From the request to its answer; most of it is the collection, which cannot be avoided. */
  tookMs: number;
  sites: AllocationSite[];
  /** The whole profile: a file beside the recording; null if it was not kept. */
  file: string | null;
}
