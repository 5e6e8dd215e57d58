import { clz32, max } from '../../primordials.ts';

/** Durations by powers of two of a millisecond, up to a quarter of an hour and more. */
const BUCKETS = 21;
/** The usual duration: nine of ten take no longer. */
const USUAL_SHARE = 0.9;

/** Of many, so many are exceptions; of few, one. */
const RARE_SHARE = 0.01;

/** How long things take that end at one position. */
export interface Durations {
  maxMs: number | null;
  /** The quickest of those that ended since the last report. */
  leastMs: number | null;
  /** How many took up to 1 ms, 2 ms, 4 ms …; null before the first has ended. */
  counts: number[] | null;
  total: number;
}

export function noDurations(): Durations {
  return { maxMs: null, leastMs: null, counts: null, total: 0 };
}

/** Runs for each thing that ends. Where nobody saw that, `ms` is the longest that it may have taken, and nothing is the quickest by that. */
export function addDuration(durations: Durations, ms: number, weight: number, isSeen = true): void {
  if (durations.maxMs === null || ms > durations.maxMs) durations.maxMs = ms;
  if (isSeen && (durations.leastMs === null || ms < durations.leastMs)) durations.leastMs = ms;
  durations.counts ??= emptyCounts();
  const bucket = 32 - clz32(ms);
  durations.counts[bucket < BUCKETS ? bucket : BUCKETS - 1]! += weight;
  durations.total += weight;
}

/** Nine of ten took no longer than this, within a factor of two, ms; null if none has ended. */
export function usualMs({ counts, total }: Durations): number | null {
  return counts && total > 0 ? limitOf(counts, USUAL_SHARE * total) : null;
}

/** All took no longer than this, within a factor of two, but for one in a hundred, or one of fewer, ms; null if no two have ended. */
export function slowMs({ counts, total }: Durations): number | null {
  return counts && total >= 2 ? limitOf(counts, total - max(1, RARE_SHARE * total)) : null;
}

/** The quickest of them are within it. */
function limitOf(counts: readonly number[], quickest: number): number {
  let sum = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    sum += counts[bucket]!;
    if (sum >= quickest) return 2 ** bucket;
  }
  return 2 ** (BUCKETS - 1);
}

function emptyCounts(): number[] {
  const counts: number[] = [];
  for (let i = 0; i < BUCKETS; i++) counts[i] = 0;
  return counts;
}
