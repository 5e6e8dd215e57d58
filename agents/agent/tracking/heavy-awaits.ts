import type { FollowedPromise } from './floating.ts';
import type { createPassedOver } from './passed-over.ts';
import { lighten } from './sites.ts';

type PassedOver = ReturnType<typeof createPassedOver>;
type Interval = ReturnType<PassedOver['interval']>;

/** Awaits that stand for several, until all others of their interval that still wait are followed themselves. */
export class HeavyAwaits {
  /** In the order of the intervals. */
  readonly #all: { one: FollowedPromise; interval: Interval }[] = [];

  add(one: FollowedPromise, interval: Interval): void {
    if (one.weight > 1) this.#all.push({ one, interval });
  }

  /** Those of this interval count as one each from now on, where all others are known. */
  lighten(interval: Interval | null, followed: Set<FollowedPromise>): void {
    const all = this.#all;
    while (all[0] && (all[0].interval === interval || !followed.has(all[0].one))) {
      const { one } = all.shift()!;
      if (interval?.complete && followed.has(one)) lighten(one);
    }
  }

  clear(): void {
    this.#all.length = 0;
  }
}
