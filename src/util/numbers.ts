/** Figures of lists of numbers that several folders need. */

/** The first index from which on `isReached` is true, of those below `count` and `count` itself; it must not turn false again. */
export function firstIndex(count: number, isReached: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The upper one of the two in the middle where their number is even; `ofNone` where there are none. */
export function median<T>(values: readonly number[], ofNone: T): number | T {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? ofNone;
}

/** The largest, at least 0. A long recording has more rows than a call can have arguments: no `Math.max(...rows)`. */
export function maxOf(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
