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
  /** Of the old generation alone, where an option or the maker of the worker thread set it (format 1.3). */
  oldLimitBytes?: number;
  externalBytes: number;
  arrayBuffersBytes: number;
  /** Used bytes by V8 heap space. */
  spaces: Record<string, number>;
}

export interface GcRow extends RowBase {
  type: 'gc';
  /** Time over which collections were counted: where there are very many, only a part is (format 1.1). */
  observedMs?: number;
  count: number;
  totalMs: number;
  maxMs: number;
  majorCount: number;
  majorMs: number;
  /** Just after the last major collection: objects but for the young ones, and memory outside the heap (format 1.3). */
  afterMajor?: { oldBytes: number; externalBytes: number };
}

/** A function that allocated what is still alive; `bytes` are estimates from the samples. */
export interface AllocationSite {
  /** Where the function begins: V8 does not tell the line. */
  location: Location;
  /** The only line of the function that allocates or keeps something, as its text tells; null where several do, or none. */
  line: { line: number; column: number; code: string } | null;
  aliveBytes: number;
  /** Of these, allocated in the first half of the time, by number of samples. What does not leak is young. */
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
  /** From the request to its answer; most of it is the collection, which V8 insists on. */
  tookMs: number;
  sites: AllocationSite[];
  /** The whole profile: a file beside the recording; null where it was not kept. */
  file: string | null;
}
