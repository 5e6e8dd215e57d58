import { tableOf } from '../../profile/table.ts';
import { formatWeight, takenText } from '../../profile/taken-text.ts';
import type { Profile } from '../../profile/types.ts';
import { InputError } from '../../util/input-error.ts';
import { formatShare } from '../../util/text.ts';
import { nameAsData } from './as-data.ts';
import { dataPlace, placeWithSource } from './place.ts';
import type { Answer } from './types.ts';

/** The source of more functions is not worth its room. */
const WITH_SOURCE = 3;
/** Of the program's own functions: below them is what Node and packages do for them. */
const MOST_OWN = 5;
/** Less is chance. */
const LEAST_SHARE = 0.002;

/** The hottest functions of a profile, and whose code they are. Throws InputError if no thread has that name. */
export function profileAnswer(profile: Profile, { limit, thread = '' }: { limit: number; thread?: string }): Answer {
  const threads = profile.threads.filter(({ name }) => name.includes(thread));
  if (threads.length === 0) {
    const names = profile.threads.map(({ name }) => name).join(', ');
    throw new InputError(`No thread is named "${thread}". There are: ${names}.`);
  }
  const { kind, unit } = profile;
  const part = { ...profile, threads };
  const { all, rows } = tableOf(part, 'function');
  const share = (weight: number): string => formatShare(all > 0 ? weight / all : 0);
  const own = rows
    .filter(({ category, total }) => category === 'application' && total > all * LEAST_SHARE)
    .sort((a, b) => b.total - a.total)
    .slice(0, MOST_OWN);
  const whose = tableOf(part, 'category').rows.filter(({ self }) => self > all * LEAST_SHARE);
  return {
    facts: {
      kind,
      of: takenText(part),
      all: formatWeight(all, unit),
      threads: threads.slice(0, 8).map(({ name }) => nameAsData(name)),
      whose: Object.fromEntries(whose.map(({ name, self }) => [name, share(self)])),
      ...(own.length > 0 && {
        // With what they call.
        ownFunctions: own.map(({ name, location, total }) => {
          return { name: nameAsData(name), total: share(total), place: placeWithSource(location) };
        }),
      }),
    },
    entries: {
      name: 'functions',
      all: rows
        .filter(({ self }) => self > all * LEAST_SHARE)
        .map(({ name, location, category, self, total }, i) => ({
          name: nameAsData(name),
          self: `${share(self)} (${formatWeight(self, unit)})`,
          total: share(total),
          whose: category,
          place: i < WITH_SOURCE ? placeWithSource(location) : dataPlace(location),
        })),
      most: limit,
    },
  };
}
