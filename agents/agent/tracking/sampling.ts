/** Things followed per second: each costs 10–30 µs for its stack, and a WeakRef. */
const PER_SECOND = 2000;
/** Followed within one interval, before the stride doubles at once. */
const PER_INTERVAL = 700;

/**
 * Chooses one in so many, at random, so that no rhythm of the program is in step with it. Where little happens, all
 * are chosen.
 */
export function createSampling() {
  let stride = 1;
  let countdown = 1;
  let made = 0;
  let chosen = 0;
  const { random, ceil, floor } = Math;
  return {
    /** True for the one that is to be followed; it then stands for `weight()`. */
    next(): boolean {
      made++;
      if (--countdown > 0) return false;
      countdown = stride === 1 ? 1 : 1 + floor(random() * (2 * stride - 1));
      if (++chosen % PER_INTERVAL === 0) stride *= 2;
      return true;
    },
    weight: () => stride,
    /** To be called every `intervalMs`: the stride follows the rate. Returns how many were made since. */
    adapt(intervalMs: number): number {
      const seen = made;
      const perSecond = (made / Math.max(1, intervalMs)) * 1000;
      made = 0;
      chosen = 0;
      stride = Math.max(1, ceil(perSecond / PER_SECOND), floor(stride / 2));
      if (countdown > 2 * stride) countdown = stride;
      return seen;
    },
  };
}
