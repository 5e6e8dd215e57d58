/** What the detectors of unfinished work share: places over time, growth, what stays while others end, and what is waited for. */
import { functionKey } from '../recording/places.ts';
import { type Location, type Recording, rowsOf, type UnfinishedEntry, type UnfinishedRow } from '../recording/types.ts';
import { round, scoreOf } from './severity.ts';
import { allStalls } from './stalls.ts';
import type { Detector, Finding, Severity } from './types.ts';

/** Pools, caches and connections are made at first; nothing is judged by what happens until then. */
export const WARM_UP_MS = 1500;
/** Two rows, which come every 2 s, a little early: shorter than this, a rise is a burst. */
export const GROWTH_MS = 3500;
const GROWTH_READINGS = 3;
/** A long recording is judged by so many of its rows, so that a slow rise shows. */
const MAX_READINGS = 12;
/** One row in four may be without a rise: the load has pauses. */
const RISING_SHARE = 0.75;
/** Calls at one place: above the size that pools and limits of common clients have (10), with room for two of them. */
export const GROWN_CALLS = 20;
/** Below its highest by more than this it falls as well as rises: a sawtooth. */
const STANDING_SHARE = 0.9;
/** What rose by less of itself is a crowd that varies. */
const GROWN_SHARE = 0.3;
/** Where more end, the most are finished, and those that are not are judged by their age. */
export const ENDED_SHARE = 0.25;
/** The beginning of the oldest may move by so much of the time, and so many ms: nothing old ends. */
const MOVED_SHARE = 0.2;
const MOVED_MS = 500;
/** One for each connection or request from outside; a few have come and gone since it was counted. */
const INBOUND_SHARE = 0.8;
/** As many entries as a row holds: one that is missing is not gone. */
const FULL_ROW = 60;
/** What a program tears down at its end tells nothing of how it ran. */
const FAREWELL_MS = 1000;
/** "Nothing ended that began later" is no news where the thread itself stood still for a good part of the time. */
const LEAST_STALL_MS = 200;

/** An entry as one row told it; entries of one place that a row tells apart are summed up. */
export interface Reading {
  t: number;
  trackedMs: number;
  intervalMs: number;
  inbound: number;
  entry: UnfinishedEntry;
}

/** Things of one sort that were started at one place, over one period of tracking. */
export interface Place {
  location: Location;
  readings: Reading[];
  /** The newest: in the last row, unless that row was full. */
  last: Reading;
}

/** Rows of one period of tracking: counts begin anew with each. */
export type Period = readonly UnfinishedRow[];

/** How many more there are than there were. */
export interface Growth {
  alive: number;
  grown: number;
  created: number;
  ended: number;
  oldestMs: number;
  spanMs: number;
  /** As many connections or requests from outside are open: each has its own. */
  inbound: boolean;
}

/** Periods of tracking; the last one also without a row that was written while the program ended. */
export function periodsOf(recording: Recording): Period[] {
  const periods: UnfinishedRow[][] = [];
  let lastTrackedMs = Number.POSITIVE_INFINITY;
  for (const row of rowsOf(recording, 'unfinished')) {
    if (row.trackedMs <= lastTrackedMs) periods.push([]);
    periods.at(-1)!.push(row);
    lastTrackedMs = row.trackedMs;
  }
  const last = periods.at(-1);
  const [end] = rowsOf(recording, 'end');
  if (last && end && end.t - last.at(-1)!.t < FAREWELL_MS) periods.push(last.slice(0, -1));
  return periods.filter((rows) => rows.length > 0);
}

/** Places in the user's code that the last row of the period knows, or had no room for. */
export function placesOf(period: Period, what: UnfinishedEntry['what']): Place[] {
  const { t, entries } = period.at(-1)!;
  const isFull = entries.length >= FULL_ROW;
  return allPlacesOf(period, what).filter(({ last }) => isFull || last.t === t);
}

/** Those as well that are in no later row, as nothing of them is left. */
export function allPlacesOf(period: Period, what: UnfinishedEntry['what']): Place[] {
  const byKey = new Map<string, Reading[]>();
  for (const row of period) {
    for (const [key, entry] of entriesOf(row, what)) {
      const { t, trackedMs, intervalMs, inbound } = row;
      const readings = byKey.get(key) ?? [];
      readings.push({ t, trackedMs, intervalMs, inbound, entry });
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
    const key = `${entry.type} ${entry.detail} ${[entry.location, ...entry.callers].map(lineKey).join(' ')}`;
    const same = byKey.get(key);
    byKey.set(key, same ? together(same, entry) : entry);
  }
  return byKey;
}

/** File, line and column. */
export function lineKey({ file, line, column }: Location): string {
  return `${file}:${line}:${column}`;
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
    ...sums('referenced'),
    ...sums('floating'),
    ...sums('rejected'),
    via: [...new Set([...a.via, ...b.via])],
    oldestMs: Math.max(a.oldestMs, b.oldestMs),
    endedMaxMs: a.endedMaxMs === null ? b.endedMaxMs : Math.max(a.endedMaxMs, b.endedMaxMs ?? 0),
    endedSinceOldest: a.endedSinceOldest + b.endedSinceOldest,
    ...(text.code !== undefined && { code: text.code, before: text.before ?? [] }),
    loop: a.resumed !== b.resumed || a.loop === true || b.loop === true,
  };
}

/** Rises row after row, and nothing old ends; null for warm-up, a plateau, a sawtooth, and what ends as fast as it begins. */
export function growthOf({ readings }: Place, leastAlive: number): Growth | null {
  const warm = thinned(readings.filter(({ trackedMs }) => trackedMs >= WARM_UP_MS));
  const [first, last] = [warm[0], warm.at(-1)];
  if (!first || !last || warm.length < GROWTH_READINGS || last.t - first.t < GROWTH_MS) return null;
  const [from, to] = [first.entry, last.entry];
  const created = to.created - from.created;
  const ended = to.ended - from.ended;
  const grown = to.alive - from.alive;
  const rises =
    to.alive >= leastAlive &&
    grown >= Math.max(leastAlive / 2, to.alive * GROWN_SHARE) &&
    to.alive >= STANDING_SHARE * Math.max(...warm.map(({ entry }) => entry.alive)) &&
    risingShare(warm) >= RISING_SHARE;
  if (!rises || ended > ENDED_SHARE * created || !keepsOldest(first, last)) return null;
  const inbound = last.inbound >= INBOUND_SHARE * to.alive;
  return { alive: to.alive, grown, created, ended, oldestMs: to.oldestMs, spanMs: last.t - first.t, inbound };
}

function thinned(readings: readonly Reading[]): Reading[] {
  const stride = Math.max(1, Math.ceil((readings.length - 1) / MAX_READINGS));
  return readings.filter((_, i) => (readings.length - 1 - i) % stride === 0);
}

function risingShare(readings: readonly Reading[]): number {
  const rising = readings.filter(({ entry }, i) => i > 0 && entry.alive > readings[i - 1]!.entry.alive);
  return rising.length / (readings.length - 1);
}

function keepsOldest(first: Reading, last: Reading): boolean {
  const spanMs = last.t - first.t;
  const movedMs = last.t - last.entry.oldestMs - (first.t - first.entry.oldestMs);
  return last.entry.oldestMs >= spanMs * (1 - MOVED_SHARE) && movedMs <= Math.max(MOVED_MS, spanMs * MOVED_SHARE);
}

/** The oldest waits much longer than others took that began later at the same place. */
export interface Stuck {
  alive: number;
  /** Without the time in which the thread stood still. */
  oldestMs: number;
  ended: number;
  endedMaxMs: number;
}

/** Ten times as long as any that ended. */
export const STUCK_RATIO = 10;

export function stuckOf(
  { last, readings }: Place,
  recording: Recording,
  least: { oldestMs: number; ended: number },
): Stuck | null {
  const { endedSinceOldest, endedMaxMs, alive, oldestMs: ageMs } = last.entry;
  if (alive === 0 || ageMs < least.oldestMs || endedSinceOldest < least.ended || endedMaxMs === null) return null;
  const oldestMs = awakeMs(recording, last);
  if (oldestMs < least.oldestMs || endedMaxMs * STUCK_RATIO > oldestMs) return null;
  // Of those alive now, some began a moment ago.
  const before = readings.at(-2)?.entry.alive ?? alive;
  return { alive: Math.min(alive, before), oldestMs, ended: endedSinceOldest, endedMaxMs };
}

/** Age of the oldest, without the time in which the thread was blocked or the process stopped. */
export function awakeMs(recording: Recording, { t, entry }: Reading): number {
  const from = t - entry.oldestMs;
  const asleepMs = allStalls(recording)
    .filter(({ durationMs }) => durationMs >= LEAST_STALL_MS)
    .map(({ startMs, durationMs }) => Math.max(0, Math.min(t, startMs + durationMs) - Math.max(from, startMs)))
    .reduce((sum, ms) => sum + ms, 0);
  return Math.max(0, entry.oldestMs - asleepMs);
}

/** Waits for the next of something: a consumer is idle for as long as nothing comes. */
export function reads(entry: UnfinishedEntry): boolean {
  return viaOf(entry).some((via) => ['readline', 'stream', 'streams'].includes(via));
}

export function listens(entry: UnfinishedEntry): boolean {
  return viaOf(entry).includes('events');
}

/** Stands in a loop of its function: as the text tells, or seen as the first await of a call and as a later one. */
export function isLoop({ loop, code, before, resumed }: UnfinishedEntry): boolean {
  const awaitsBefore = before === undefined || before.length > 0;
  return (
    loop === true || /\bfor\s+await\b/.test([code ?? '', ...(before ?? [])].join('\n')) || (resumed && !awaitsBefore)
  );
}

/** Node's modules between the place and the awaited thing. */
export function viaOf({ via, madeBy }: UnfinishedEntry): readonly string[] {
  return madeBy === null ? via : [...via, ...madeBy.via];
}

/** Same function, or one that calls it: where a root cause shows twice. */
export function isRecursive({ location, last: { entry } }: Place): boolean {
  const own = functionOf(location);
  return own !== null && entry.callers.some((caller) => functionOf(caller) === own);
}

/** As functionKey; null for a function that cannot be told from others. */
export function functionOf(location: Location): string | null {
  return location.function === '' && location.start === undefined ? null : functionKey(location);
}

/** Functions in which handles of some types are alive that pass the test. */
export function functionsWith(period: Period, isMeant: (entry: UnfinishedEntry) => boolean): Set<string> {
  const functions = new Set<string>();
  for (const { location, last } of placesOf(period, 'handle')) {
    if (last.entry.alive === 0 || !isMeant(last.entry)) continue;
    for (const place of [location, ...last.entry.callers.slice(0, 1)]) {
      const key = functionOf(place);
      if (key !== null) functions.add(key);
    }
  }
  return functions;
}

const NETWORK: readonly string[] = ['dns', 'fetch', 'http', 'http2', 'https', 'net', 'tls', 'undici'];
const OUTBOUND: readonly string[] = ['GETADDRINFOREQWRAP', 'HTTPCLIENTREQUEST', 'TCPCONNECTWRAP', 'TCPWRAP', 'TLSWRAP'];
const CLIENTS: readonly string[] = ['fetch', 'http', 'http2', 'https', 'undici'];

export function isOutbound({ what, type }: UnfinishedEntry): boolean {
  return what === 'handle' && OUTBOUND.includes(type);
}

/** A client of Node's, which keeps a pool of its own. */
export function isPooledVia(via: readonly string[]): boolean {
  return via.some((module) => CLIENTS.includes(module));
}

export function isPooled({ via }: UnfinishedEntry): boolean {
  return isPooledVia(via);
}

export function isNetwork(entry: UnfinishedEntry): boolean {
  return isOutbound(entry) || viaOf(entry).some((via) => NETWORK.includes(via));
}

/** A timer that somebody set for this, not one that a client of Node's has for itself. */
function isDeadline(entry: UnfinishedEntry): boolean {
  return entry.type === 'Timeout' && !isPooled(entry);
}

/** What an await waits for, as far as it is known. */
export interface Waits {
  network(place: Place): boolean;
  timer(place: Place): boolean;
}

export function waitsOf(period: Period): Waits {
  const outbound = functionsWith(period, isOutbound);
  const deadlines = functionsWith(period, isDeadline);
  return {
    network: (place) => isNetwork(place.last.entry) || isWithin(outbound, place),
    timer: (place) => viaOf(place.last.entry).includes('timers') || isWithin(deadlines, place),
  };
}

/** Whether the await, or what made the awaited promise, is in one of these functions. */
export function isWithin(functions: Set<string>, { location, last: { entry } }: Place): boolean {
  return [location, entry.madeBy?.location].some((place) => {
    const key = place ? functionOf(place) : null;
    return key !== null && functions.has(key);
  });
}

/** The frames of a finding: the place and who called it. */
export function stackOf({ location, last }: Place): Location[] {
  return [location, ...last.entry.callers];
}

export function nameOf({ function: name }: Location): string {
  return name || 'an anonymous function';
}

/** What a finding about a place needs beside the words of its kind. */
interface About {
  kind: string;
  severity: Severity;
  message: string;
  place: Place;
  count: number;
  confidence: number;
  evidence: Finding['evidence'];
}

/** The longer and the more, the worse. */
export function findingOf(detector: Detector, { place, ...about }: About): Finding {
  const { alive, oldestMs } = place.last.entry;
  return {
    ...about,
    rule: detector.id,
    score: scoreOf(about.severity, oldestMs + about.count * 100 + alive),
    remedy: detector.kinds.find(({ kind }) => kind === about.kind)?.remedy ?? detector.remedy,
    location: place.location,
    stack: stackOf(place),
  };
}

/** What was awaited, for the evidence. */
export function awaitedOf({ code, madeBy }: UnfinishedEntry): Finding['evidence'] {
  const made = madeBy?.location ?? null;
  return {
    ...(code !== undefined && { awaited: code }),
    ...(made && { promiseMadeAt: `${made.file}:${made.line}:${made.column}` }),
  };
}

export function growthEvidence({ alive, created, ended, oldestMs, spanMs }: Growth): Finding['evidence'] {
  return { alive, created, ended, oldestMs: round(oldestMs), observedMs: round(spanMs) };
}

/** "8.2 s" */
export function secondsText(ms: number): string {
  return `${round(ms / 1000)} s`;
}

/** One finding for each line and kind, the one that weighs most: periods and callers tell of the same line again. */
export function onePerLine(findings: readonly Finding[]): Finding[] {
  const byLine = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.location ? lineKey(finding.location) : ''}`;
    const other = byLine.get(key);
    if (!other || finding.score > other.score || (finding.score === other.score && finding.count > other.count)) {
      byLine.set(key, finding);
    }
  }
  return [...byLine.values()];
}
