/** Whether nothing goes on at a place for a while. */
import { fileAndLine } from '../recording/places.ts';
import { allPlacesOf, type Period, type Place } from './unfinished.ts';
import { type Chain, oldestOf } from './wait-chains.ts';

/** Longer than anybody who awaits holds a lock or a connection for one short thing. */
export const FROZEN_MS = 3000;
/** Where calls used to wait for long as well, that nothing goes on says less. */
const USUAL_RATIO = 10;
/** People do not wait for longer, and a queue that stands for so long is worth a look. */
const USUAL_MOST_MS = 6000;

/** None of those that wait in these chains has gone on for so long, and it is much longer than they used to wait. */
export function isFrozen(queue: readonly Chain[], period: Period, untilMs: number): boolean {
  if (oldestOf(queue) < FROZEN_MS) return false;
  const places = [...allPlacesOf(period, 'await'), ...allPlacesOf(period, 'reaction')];
  let found = 0;
  for (const chain of queue) {
    const at = placesOf(chain, places);
    found += at.length;
    if (!at.every((place) => hasStopped(place, untilMs))) return false;
  }
  return found > 0;
}

/** The innermost frame of which something is known. */
function placesOf({ frames }: Chain, places: readonly Place[]): Place[] {
  for (const frame of frames) {
    const onLine = places.filter(({ location }) => fileAndLine(location) === fileAndLine(frame));
    // What is handed to the limit may be written on the line that waits for it, and goes on there.
    const exact = onLine.filter(({ location }) => location.column === frame.column);
    const there = exact.length > 0 ? exact : onLine;
    if (there.length > 0) return there.filter(({ last }) => last.entry.alive > 0);
  }
  return [];
}

/** None has ended there for that time: much longer than it used to take. */
export function hasStopped(place: Place, untilMs: number): boolean {
  const usualMs = place.readings.findLast(({ t }) => t <= untilMs + 1)?.entry.usualMs ?? 0;
  return stoodFor(place, untilMs) >= neededMs(usualMs);
}

/** For so long nothing must have ended where it used to take `usualMs`. */
export function neededMs(usualMs: number): number {
  return Math.max(FROZEN_MS, Math.min(usualMs * USUAL_RATIO, USUAL_MOST_MS));
}

/** For how long none has ended there, ms. */
function stoodFor({ readings }: Place, untilMs: number): number {
  const until = readings.filter(({ t }) => t <= untilMs + 1);
  const last = until.at(-1);
  if (!last) return 0;
  const before = until.findLast(({ entry }) => entry.ended < last.entry.ended);
  const from = before ? (until[until.indexOf(before) + 1]?.t ?? last.t) : last.t - last.entry.oldestMs;
  return last.t - from;
}
