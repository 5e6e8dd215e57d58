/** Results of `then` that wait where no await does: code that is written without async functions. */
import { fileAndLine, packageNameOf } from '../recording/places.ts';
import type { Growth } from './growth.ts';
import { type Period, type Place, placesOf } from './unfinished.ts';

const REACTIONS: readonly string[] = ['then', 'catch', 'finally'];

/** In the program's own code, as far as no await on that line or in a caller shows the same. */
export function ownReactions(period: Period): Place[] {
  const awaits = placesOf(period, 'await').filter(({ last }) => last.entry.alive > 0);
  const lines = new Set(awaits.map(({ location }) => fileAndLine(location)));
  return placesOf(period, 'reaction').filter(
    ({ location, last: { entry } }) =>
      REACTIONS.includes(entry.type) &&
      packageNameOf(location.file) === null &&
      [location, ...entry.callers].every((at) => !lines.has(fileAndLine(at))),
  );
}

/** Some are made for what may never come, as the end of a connection: growth counts where such used to be settled soon, and none is any more. */
export function hasBroken(growth: Growth | null): growth is Growth {
  return growth?.broke === true;
}
