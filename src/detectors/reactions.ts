/** Results of `then` that wait where no await does: code that is written without async functions. */
import { fileAndLine, packageNameOf } from '../recording/places.ts';
import type { Growth } from './growth.ts';
import { type Period, type Place, placesOf } from './unfinished.ts';

/** Of those that wait further out: as counts are estimates. */
const SAME_SHARE = 0.5;
/** They began together; the sample may have missed the oldest of one. */
const SAME_MS = 1000;
const REACTIONS: readonly string[] = ['then', 'catch', 'finally'];

/** In the program's own code, as far as no await on that line or in a caller shows the same; of a chain of reactions the innermost. */
export function ownReactions(period: Period): Place[] {
  return innermostOf(waitingReactions(period));
}

/** Several chains may go through one place, of which the last is known: it is enough that another one began to wait at the same time. */
function innermostOf(places: readonly Place[]): Place[] {
  const isChained = ({ last }: Place): boolean => last.entry.madeBy?.what === 'reaction';
  const first = places.filter((place) => !isChained(place));
  const isWithin = ({ last: { entry } }: Place, { last: { entry: outer } }: Place): boolean =>
    entry.alive >= outer.alive * SAME_SHARE && Math.abs(entry.oldestMs - outer.oldestMs) <= SAME_MS;
  return places.filter((place) => !isChained(place) || !first.some((one) => isWithin(one, place)));
}

function waitingReactions(period: Period): Place[] {
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
