/** Places over time, from the rows of what is unfinished: what the detectors of things that never end read. */
import { UNFINISHED_ENTRIES } from '../recording/defaults.ts';
import { functionKey, lineKey } from '../recording/places.ts';
import {
  allRows,
  type Location,
  type Row,
  rowsOf,
  type UnfinishedEntry,
  type UnfinishedRow,
  type View,
} from '../recording/types.ts';
import { leastOf, mostOf } from '../util/known.ts';

/** What `periodsOf` reads. */
export const PERIOD_ROWS = ['end', 'signal', 'unfinished'] as const;
type PeriodView = View<(typeof PERIOD_ROWS)[number]>;

/** What a program tears down at its end says nothing about how it ran. */
export const FAREWELL_MS = 1000;
/** The longest time to end after a signal: twice what Kubernetes gives. A program that runs longer handles the signal in another way. */
const SHUTDOWN_MS = 60_000;
/** What was asked for with the signal may be recorded this long after it. */
const LAST_LOOK_MS = 500;

/** An entry of one row; entries of one place that a row distinguishes are summed up. */
export interface Reading {
  t: number;
  trackedMs: number;
  intervalMs: number;
  inbound: number;
  /** Requests from outside without an answer, and those of them whose body nobody reads; 0 where few are open. */
  unanswered: number;
  unread: number;
  /** Of all that was started, what was seen; 1 in older recordings. */
  seenShare: number;
  /** Times so far that nothing was followed in between. */
  pauses: number;
  entry: UnfinishedEntry;
}

/** Things of one kind that were started at one place, over one period of tracking. */
export interface Place {
  location: Location;
  readings: Reading[];
  /** The newest: in the last row, unless that row was full. */
  last: Reading;
}

/** Rows of one period of tracking: counts begin anew with each. */
export type Period = readonly UnfinishedRow[];

/** Many detectors ask for the same; results for a recording are cached until a row is added to it. */
const known = new WeakMap<PeriodView, { count: number; last: Row | undefined; periods: Period[] }>();

const knownPlaces = new WeakMap<Period, Map<string, Place[]>>();

/**
 * Periods of tracking, until the process was told to end: what it tears down then, and what it waits for, is no part of how it ran. The
 * last one has no row that was written while the program ended.
 */
export function periodsOf(recording: PeriodView): Period[] {
  const rows = allRows(recording);
  const before = known.get(recording);
  if (before && before.count === rows.length && before.last === rows.at(-1)) return before.periods;
  const periods = splitPeriods(recording);
  known.set(recording, { count: rows.length, last: rows.at(-1), periods });
  return periods;
}

function splitPeriods(recording: PeriodView): Period[] {
  const periods: UnfinishedRow[][] = [];
  let lastTrackedMs = Number.POSITIVE_INFINITY;
  const untilMs = shutdownMs(recording) + LAST_LOOK_MS;
  for (const row of rowsOf(recording, 'unfinished')) {
    if (row.t > untilMs) break;
    if (row.trackedMs <= lastTrackedMs) periods.push([]);
    periods.at(-1)!.push(row);
    lastTrackedMs = row.trackedMs;
  }
  const [end] = rowsOf(recording, 'end');
  return [...periods, ...(end ? beforeFarewell(periods.at(-1) ?? [], end.t) : [])].filter((rows) => rows.length > 0);
}

/** Without the last row, and without all at the end: how long the last steps take depends on the host. */
function beforeFarewell(period: Period, endMs: number): Period[] {
  const late = period.filter(({ t }) => endMs - t < FAREWELL_MS).length;
  return late === 0 ? [] : [...new Set([1, late])].map((count) => period.slice(0, -count));
}

/** What looks into the heap have found, each as a period: nobody followed these calls before. */
export function looksOf(recording: View<'suspended'>): Period[] {
  const figures = { intervalMs: 0, trackedMs: 0, promises: 0, aborts: 0, inbound: 0, dropped: 0 };
  return rowsOf(recording, 'suspended').map(({ t, entries }) => [{ t, type: 'unfinished', ...figures, entries }]);
}

/** When the process got the first signal shortly before its end; infinity if there was none. */
function shutdownMs(recording: PeriodView): number {
  const endMs = rowsOf(recording, 'end')[0]?.t ?? allRows(recording).at(-1)?.t ?? 0;
  const signal = rowsOf(recording, 'signal').find(({ t }) => endMs - t <= SHUTDOWN_MS);
  return signal?.t ?? Number.POSITIVE_INFINITY;
}

/** The rows before the first pause: for rules that compare all that was started at one time with all at another. */
export function wholePart(period: Period): Period {
  const end = period.findIndex(({ pauses = 0 }) => pauses > 0);
  return end < 0 ? period : period.slice(0, end);
}

/** Places in the user's code that the last row of the period has, or did not have room for. */
export function placesOf(period: Period, what: UnfinishedEntry['what']): Place[] {
  const { t, entries } = period.at(-1)!;
  const isFull = entries.length >= UNFINISHED_ENTRIES;
  return allPlacesOf(period, what).filter(({ last }) => isFull || last.t === t);
}

/** Also those that are in no later row, because nothing of them is left. */
export function allPlacesOf(period: Period, what: UnfinishedEntry['what']): Place[] {
  const places = knownPlaces.get(period) ?? new Map<string, Place[]>();
  knownPlaces.set(period, places);
  const found = places.get(what) ?? collectPlaces(period, what);
  places.set(what, found);
  return found;
}

function collectPlaces(period: Period, what: UnfinishedEntry['what']): Place[] {
  const byKey = new Map<string, Reading[]>();
  for (const row of period) {
    for (const [key, entry] of entriesOf(row, what)) {
      const { t, trackedMs, intervalMs, inbound, unanswered = 0, unread = 0, seenShare = 1, pauses = 0 } = row;
      const readings = byKey.get(key) ?? [];
      readings.push({ t, trackedMs, intervalMs, inbound, unanswered, unread, seenShare, pauses, entry });
      byKey.set(key, readings);
    }
  }
  return [...byKey.values()].map((readings) => ({
    location: readings[0]!.entry.location!,
    readings,
    last: readings.at(-1)!,
  }));
}

function entriesOf(row: UnfinishedRow, what: UnfinishedEntry['what']): Map<string, UnfinishedEntry> {
  const byKey = new Map<string, UnfinishedEntry>();
  for (const entry of row.entries) {
    if (entry.what !== what || entry.location === null) continue;
    const key = `${entry.type} ${entry.detail} ${lineKey(entry.location)}`;
    const same = byKey.get(key);
    byKey.set(key, same ? together(same, entry) : entry);
  }
  return byKey;
}

/** Entries of one place that differ in what they wait for, or in whether they resume: a loop has both. */
function together(a: UnfinishedEntry, b: UnfinishedEntry): UnfinishedEntry {
  const more = b.alive > a.alive ? b : a;
  const sums = (name: 'created' | 'ended' | 'lost' | 'alive' | 'peak' | 'referenced' | 'floating' | 'rejected') => ({
    [name]: a[name] + b[name],
  });
  const text = a.code === undefined ? b : a;
  return {
    ...more,
    ...sums('created'),
    ...sums('ended'),
    ...sums('lost'),
    ...sums('alive'),
    ...sums('peak'),
    ...(a.followed !== undefined && b.followed !== undefined && { followed: a.followed + b.followed }),
    ...sums('referenced'),
    ...sums('floating'),
    ...sums('rejected'),
    via: [...new Set([...a.via, ...b.via])],
    oldestMs: Math.max(a.oldestMs, b.oldestMs),
    endedMaxMs: mostOf(a.endedMaxMs, b.endedMaxMs),
    endedLeastMs: leastOf(a.endedLeastMs, b.endedLeastMs),
    usualMs: mostOf(a.usualMs, b.usualMs),
    slowMs: mostOf(a.slowMs, b.slowMs),
    endedSinceOldest: Math.max(a.endedSinceOldest, b.endedSinceOldest),
    ...(text.code !== undefined && { code: text.code, before: text.before ?? [] }),
    resumed: a.resumed ?? b.resumed,
    loop: (a.resumed !== null && b.resumed !== null && a.resumed !== b.resumed) || a.loop === true || b.loop === true,
  };
}

/** Like functionKey; null for a function that cannot be distinguished from others. */
export function functionOf(location: Location): string | null {
  return location.function === '' && location.start === undefined ? null : functionKey(location);
}
