/** Those of the sample that stand for several, in the order of the intervals in which they began. */
import type { FollowedPromise } from './floating.ts';
import type { Site } from './sites.ts';
import { lighten, lightenBy } from './weights.ts';

export class Heavy {
  readonly #all: { one: FollowedPromise; interval: unknown }[] = [];

  add(one: FollowedPromise, interval: unknown): void {
    if (one.weight > 1) this.#all.push({ one, interval });
  }

  clear(): void {
    this.#all.length = 0;
  }

  /**
   * What else waits since that interval is followed itself from now on, `reactions` at these sites. So an await stands for itself alone if
   * all of them are known, and a reaction for one less with each of them.
   */
  relieve(
    interval: { complete: boolean } | null,
    reactions: readonly Site[],
    followed: ReadonlySet<FollowedPromise>,
  ): void {
    const there: FollowedPromise[] = [];
    const all = this.#all;
    while (all[0] && (all[0].interval === interval || !followed.has(all[0].one))) {
      const { one } = all.shift()!;
      if (!followed.has(one)) continue;
      if (one.site.what !== 'await') there.push(one);
      else if (interval?.complete) lighten(one);
    }
    for (const { position } of reactions) {
      const same = there.find(({ site, weight }) => weight > 1 && site.position === position);
      if (same) lightenBy(same, 1);
    }
  }
}
