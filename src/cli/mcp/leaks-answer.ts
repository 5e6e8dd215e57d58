import type { LeakReport, Suspect } from '../../leaks/types.ts';
import { headline, perMinute, snapshotText } from '../../leaks/words.ts';
import { formatBytes } from '../../util/text.ts';
import { asData, nameAsData } from './as-data.ts';
import { placeWithSource } from './place.ts';
import type { Answer } from './types.ts';

const MOST_NOTES = 5;
const MOST_STEPS = 8;

/** What leaks, the most certain and the biggest first. */
export function leaksAnswer(report: LeakReport, limit: number): Answer {
  return {
    facts: {
      found: headline(report),
      of: snapshotText(report),
      ...(report.notes.length > 0 && { notes: report.notes.slice(0, MOST_NOTES).map((note) => asData(note, 300)) }),
    },
    entries: { name: 'suspects', all: report.suspects.map(described), most: limit },
  };
}

function described(suspect: Suspect): object {
  const { kind, confidence, holder, place, bytes, message, path, remedy, rule } = suspect;
  const rate = perMinute(suspect);
  return {
    confidence,
    holder: nameAsData(holder),
    kind,
    what: asData(message),
    place: placeWithSource(place),
    remedy,
    ...(bytes > 0 && { holds: formatBytes(bytes) }),
    ...(rate !== null && { rate }),
    ...(path.length > 1 && {
      path: path.slice(0, MOST_STEPS).map(({ via, name }) => nameAsData(`${via} ${name}`.trim())),
    }),
    ...(rule !== undefined && { rule }),
  };
}
