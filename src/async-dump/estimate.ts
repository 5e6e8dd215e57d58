/**
 * How long a dump pauses a thread, from the size of its live heap. Measured on a busy machine with 2 cores, in ms, quick /
 * full; heaps of a million small objects are the most expensive; with large objects V8 takes half of that or less:
 *
 * | live heap | Node 20      | 22           | 24           | 26           |
 * | --------- | ------------ | ------------ | ------------ | ------------ |
 * | 5–6 MB    | 63 / 430     | 205 / 860    | 85 / 310     | 112 / 420    |
 * | 51 MB     | 690 / 6300   | 760 / 4200   | 780 / 4200   | 580 / 3500   |
 * | 145 MB    | 2240 / 27400 | 2360 / 21700 | 1930 / 18000 | 4700 / 28800 |
 *
 * Asking takes 13–20 µs for each promise: in slices of 60 ms in a quick dump, within the pause of a full one.
 */
const QUICK = { baseMs: 40, msPerMb: 14 };
const FULL = { baseMs: 100, msPerMb: 85 };
/** Peak memory of writing and reading a heap snapshot, in heaps. */
const MEMORY_RATIO = 7;

export function quickPauseMs(heapBytes: number): number {
  return QUICK.baseMs + (QUICK.msPerMb * heapBytes) / 1e6;
}

export function fullPauseMs(heapBytes: number): number {
  return quickPauseMs(heapBytes) + snapshotPauseMs(heapBytes);
}

/** A heap snapshot alone. */
export function snapshotPauseMs(heapBytes: number): number {
  return FULL.baseMs + (FULL.msPerMb * heapBytes) / 1e6;
}

/** What a full dump needs in addition: the snapshot, and evdiag, which reads it. */
export function fullMemoryBytes(heapBytes: number): number {
  return MEMORY_RATIO * heapBytes;
}
