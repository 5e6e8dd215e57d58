/** Durations as counts in buckets, each a fifth longer than the one before: they can be added up, and percentiles are right within a tenth. */

const { log2, round, max } = Math;

/** Buckets for each factor of two. */
const STEPS = 4;
const LEAST_MS = 0.125;
export const BUCKETS = 128;

export function bucketOf(ms: number): number {
  const bucket = ms <= LEAST_MS ? 0 : round(STEPS * log2(ms / LEAST_MS));
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/** The middle of a bucket, in ms. */
function bucketMs(bucket: number): number {
  return LEAST_MS * 2 ** (bucket / STEPS);
}

/** The duration that a share of all does not exceed, in ms; null if there are none. */
export function percentileOf(counts: ReadonlyMap<number, number>, share: number): number | null {
  const buckets = [...counts].sort(([a], [b]) => a - b);
  const all = buckets.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of buckets) {
    below += count;
    if (below >= max(1, all * share)) return bucketMs(bucket);
  }
  return null;
}
