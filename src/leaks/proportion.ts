/** Whether what came in each interval between snapshots is the same growth. */
import type { HeapSnapshot } from '../heap/snapshot.ts';

/** The least ratio of the smaller to the larger growth: a cache that fills up slows down. */
const MIN_PROPORTION = 0.25;

export function isInProportion(growths: readonly number[]): boolean {
  return Math.min(...growths) >= MIN_PROPORTION * Math.max(...growths);
}

/**
 * What V8 itself holds, as all its handles, is a mixture: parsers of new connections in one interval and anything else in the next are
 * no growth. There the class that is named must have grown each time.
 */
export function isOfOneKind(
  { anchors, classCounts }: { anchors: readonly number[]; classCounts: readonly number[] },
  snapshot: HeapSnapshot,
): boolean {
  const isMixture = anchors.some((anchor) => snapshot.nodeType(anchor) === 'synthetic');
  return !isMixture || isInProportion(classCounts);
}
