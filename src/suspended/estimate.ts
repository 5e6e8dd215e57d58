/**
 * How long a dump stops a thread, from the size of its live heap. Measured on a busy machine of 2 cores, in ms, quick and
 * full; the heaps are of small objects, the dearest there are (of large ones V8 takes half of that):
 *
 * | live heap | Node 20    | 22         | 24         | 26         |
 * | --------- | ---------- | ---------- | ---------- | ---------- |
 */
const QUICK = { baseMs: 40, msPerMb: 14 };
const FULL = { baseMs: 100, msPerMb: 85 };
/** Peak memory of writing and reading a heap snapshot, in heaps. */
const MEMORY_RATIO = 7;

export function quickPauseMs(heapBytes: number): number {
  return QUICK.baseMs + (QUICK.msPerMb * heapBytes) / 1e6;
}

export function fullPauseMs(heapBytes: number): number {
  return quickPauseMs(heapBytes) + FULL.baseMs + (FULL.msPerMb * heapBytes) / 1e6;
}

/** What a full dump needs beside what the process has: its snapshot, and evdiag that reads it. */
export function fullMemoryBytes(heapBytes: number): number {
  return MEMORY_RATIO * heapBytes;
}
