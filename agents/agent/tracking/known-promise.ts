import type { FollowedPromise } from './floating.ts';
import type { Awaiting } from './serial-runs.ts';
import type { Site } from './sites.ts';

/** What is known of one promise. */
export interface Known {
  /** Itself, or the await for which V8 made it. */
  own: FollowedPromise | null;
  /** The call for whose await V8 made it, where the sample passed over it. */
  walked: Awaiting | null;
  /** An await of it is followed. */
  awaited: boolean;
  /** Reactions to it, as far as they are followed. */
  reactions: number;
  /** Called when it settles. */
  onSettled: (() => void) | null;
}

/** Many reactions to one promise stay with it; those to as many promises go with each. What made it is noted as well. */
export function countOnOne(site: Site, parent: Known, weight: number): void {
  parent.reactions += weight;
  if (parent.reactions > site.onOne) site.onOne = parent.reactions;
  site.madeBy = parent.own?.site.id ?? site.madeBy;
}

export function knownOf(known: WeakMap<object, Known>, promise: object): Known {
  let entry = known.get(promise);
  if (!entry) {
    entry = { own: null, walked: null, awaited: false, reactions: 0, onSettled: null };
    known.set(promise, entry);
  }
  return entry;
}
