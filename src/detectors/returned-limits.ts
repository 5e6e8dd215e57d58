/**
 * Calls that hold a slot of a limit and wait for another one, where functions return what the limit gives them: no await shows who holds it, but
 * where things were made does. The limit (its file) runs functions of the program: each holds a slot until its result is settled. Within
 * each of them something waits for the limit, and it runs nothing else. That it is a limit, and no helper that runs whatever it
 * gets, is seen by those that ask for more, of which none is run.
 */
import { fileAndLine, functionKey, lineKey } from '../recording/places.ts';
import type { Location, UnfinishedEntry } from '../recording/types.ts';
import { FROZEN_MS, hasStopped } from './frozen.ts';
import { STUCK_MS, thinned } from './limits.ts';
import { allPlacesOf, type Period, type Place } from './unfinished.ts';

export interface ReturnedLimit {
  t: number;
  /** The function that holds a slot, and where what it waits for was asked for. */
  holder: Location;
  inner: Location;
  holding: number;
  /** Each may have asked for several: then it is not known how many hold one. */
  asksOnly?: true;
  /** There may be more of them. */
  isLeast: boolean;
  waiting: number;
  estimated: boolean;
  oldestMs: number;
  /** Other lines that wait for a slot. */
  alsoAt: Location[];
}

/** For so long it runs nothing new, though more ask for it. */
const QUIET_MS = STUCK_MS;
/** So many that were followed themselves: what it runs for each would have been seen. */
export const ASKED_MEANWHILE = 10;
/** Rows that are looked at, of those in which something is run for long. */
const MAX_ROWS = 6;

/** An entry with a place. */
type Entry = UnfinishedEntry & { location: Location };

/** A function of the program that the limit runs: its frames are known by the function, or by the line on which it was written. */
interface Run {
  entry: Entry;
  place: Location;
  has(frame: Location): boolean;
}

export function returnedLimits(period: Period): ReturnedLimit[] {
  const rows = thinned(period.filter(({ entries }) => entries.some((entry) => isOld(entry) && runOf(entry))));
  return rows.slice(-MAX_ROWS).flatMap((row) => limitsAt(period.slice(0, period.indexOf(row) + 1)));
}

/** As they are at the end of the period. */
function limitsAt(period: Period): ReturnedLimit[] {
  const entries = period.at(-1)!.entries.filter((entry): entry is Entry => entry.location !== null);
  const runs = entries.flatMap((entry) => (entry.alive > 0 ? (runOf(entry) ?? []) : []));
  const files = new Set(runs.map(({ entry }) => entry.location.file));
  return [...files].flatMap((file) => {
    const there = runs.filter(({ entry }) => entry.location.file === file);
    return limitIn(file, there, entries, period) ?? [];
  });
}

function isOld({ alive, oldestMs }: UnfinishedEntry): boolean {
  return alive > 0 && oldestMs >= FROZEN_MS;
}

/** Called by it, or handed to a `then` of it by whoever called it. */
function runOf(entry: UnfinishedEntry): Run | null {
  const { what, location, callee, callers } = entry;
  if (location === null) return null;
  if (what === 'call' && callee && callee.file !== location.file) {
    return { entry: entry as Entry, place: callee, has: (frame) => functionKey(frame) === functionKey(callee) };
  }
  const place = what === 'reaction' ? callers.find(({ file }) => file !== location.file) : undefined;
  if (!place) return null;
  const isWrittenThere = ({ start, file }: Location): boolean =>
    start !== undefined && file === place.file && Number(start.split(':')[0]) === place.line;
  return { entry: entry as Entry, place, has: isWrittenThere };
}

function limitIn(file: string, runs: readonly Run[], all: readonly Entry[], period: Period): ReturnedLimit | null {
  // What it has run for a moment goes on.
  if (!runs.every(({ entry }) => isOld(entry))) return null;
  const asking = new Set(
    all
      .filter(({ what, callee }) => what === 'call' && callee?.file === file)
      .map(({ location }) => fileAndLine(location)),
  );
  const queue = all.filter(
    (entry) =>
      isOld(entry) &&
      (entry.what === 'await' || entry.what === 'reaction') &&
      // What is settled by others later: it has been kept somewhere.
      entry.madeBy?.type === 'new' &&
      entry.location.file !== file &&
      (entry.madeBy?.location?.file === file || asking.has(fileAndLine(entry.location))),
  );
  const within = ({ has }: Run): Entry[] =>
    queue.filter(({ location, callers }) => [location, ...callers].some((frame) => has(frame)));
  const nested = runs.map(within);
  if (nested.some((inner) => inner.length === 0)) return null;
  const inner = new Set(nested.flat());
  if (![...queue, ...runs.map(({ entry }) => entry)].every((entry) => isFrozen(entry, period))) return null;
  // One that hands over what it has is not one of those that wait behind.
  const waiters = queue.filter((entry) => !inner.has(entry));
  const isAsked = waiters.some(
    (entry) => begunIn(entry, period, ({ followed, alive }) => followed ?? alive) >= ASKED_MEANWHILE,
  );
  const isQuiet = runs.every(({ entry }) => begunIn(entry, period, ({ created }) => created) === 0);
  return isAsked && isQuiet ? toLimit(runs, [...inner], waiters, period.at(-1)!.t) : null;
}

function isFrozen(entry: Entry, period: Period): boolean {
  const places = placesAt(entry, period);
  return places.length > 0 && places.every((place) => hasStopped(place, period.at(-1)!.t));
}

function placesAt({ what, type, location: at }: Entry, period: Period): Place[] {
  return allPlacesOf(period, what).filter(
    ({ location, last }) => lineKey(location) === lineKey(at) && last.entry.type === type,
  );
}

/** How many more there are than some seconds ago; none of what is known for less. */
function begunIn(entry: Entry, period: Period, count: (entry: UnfinishedEntry) => number): number {
  return placesAt(entry, period).reduce((sum, { readings, last }) => {
    const before = readings.findLast(({ t }) => t <= last.t - QUIET_MS);
    return before ? sum + count(last.entry) - count(before.entry) : sum;
  }, 0);
}

function toLimit(runs: readonly Run[], inner: readonly Entry[], waiters: readonly Entry[], t: number): ReturnedLimit {
  const most = runs.toSorted((a, b) => b.entry.alive - a.entry.alive)[0]!;
  const asked = inner.find(({ location }) => !most.has(location)) ?? inner[0]!;
  const holding = Math.max(1, Math.round(most.entry.alive));
  // Each that waits has reactions outwards: of one line they are the same ones.
  const waiting = Math.max(0, Math.round(Math.max(...waiters.map(({ alive }) => alive))) - holding);
  return {
    // Not all that it runs is followed: those that are waited for show more.
    isLeast: inner.some(({ alive }) => alive > most.entry.alive),
    ...{ t, holding, waiting, holder: most.place, inner: asked.location },
    estimated: [most.entry, ...waiters].some(({ alive, followed = alive }) => followed < alive),
    oldestMs: Math.max(...inner.map(({ oldestMs }) => oldestMs)),
    alsoAt: waiters.map(({ location }) => location),
  };
}
