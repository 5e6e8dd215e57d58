/** Whether what was started at a place grows in number or is stuck, compared with what ends there meanwhile. */

import { formatMs } from '../util/text.ts';
import { hasStopped } from './frozen.ts';
import { GROWN_SHARE, RISING_SHARE, thinned } from './limits.ts';
import { percent, round, secondsText } from './severity.ts';
import { allStalls, type StallView } from './stalls.ts';
import type { Place, Reading } from './unfinished.ts';
import { listens } from './waits.ts';

/** Pools, caches and connections are made at first; what happens until then is not judged. */
export const WARM_UP_MS = 1500;

/** Two rows, which come every 2 s, a little early: shorter than this, a rise is a burst. */
export const GROWTH_MS = 3500;

/** A line through two rows rises by chance. */
const GROWTH_READINGS = 3;

/** Calls at one place: above the size that pools and limits of common clients have (10), with room for two of them. */
export const GROWN_CALLS = 20;

/** Of the least number, how many must be followed themselves: the others are estimated. */
const FOLLOWED_SHARE = 0.25;

/** More than this below its maximum, it falls as well as rises: a sawtooth. */
const STANDING_SHARE = 0.9;

/** Calls and listeners of requests that are over. */
const LEFT_BEHIND: readonly string[] = ['await', 'listener', 'reaction'];
/** So many rows in a row, and a few late ones may still be there. */
const GONE_READINGS = 2;
/** Of the most connections and requests from outside that were open at once. */
const GONE_SHARE = 0.2;

/** What a request waits for. */
const CALLS: readonly string[] = ['await', 'reaction'];

/** If more end, most are finished, and the others are judged by their age. */
const ENDED_SHARE = 0.25;

/** The beginning of the oldest may move by this share of the time, and this many ms: nothing old ends. */
const MOVED_SHARE = 0.2;

/** Ages are known within some hundred ms. */
const MOVED_MS = 500;

/** One for each connection or request from outside; a few have come and gone since it was counted. */
export const INBOUND_SHARE = 0.8;
/** Longer than a server thinks before it begins an answer, except on purpose: then it waits for a timer. */
export const UNANSWERED_MS = 8000;
/** Longer than anything takes that reads a body. */
const UNREAD_MS = 3000;

/** "Nothing ended that began later" means little if the thread itself was blocked for a good part of the time. */
const LEAST_STALL_MS = 200;

/** This many times as long as usual for those that ended, and less often as the slowest of them. */
export const STUCK_RATIO = 10;
/** The slowest of many takes some times as long as the usual one. */
const SLOWEST_RATIO = 3;
/** With fewer that ended, it is not known how long it takes. */
const USUAL_CALLS = 20;
/** As many tell it where the requests that explain those that wait have no answer either. */
const FEW_CALLS = 3;

/** The rise that `growthOf` looks for, in words; `ended` is what becomes of such things. */
export function growthText(ended: string, endedShare = ENDED_SHARE): string {
  return (
    `growing in ${percent(RISING_SHARE)} of the rows over ${secondsText(GROWTH_MS)} after the first ${secondsText(WARM_UP_MS)}, ` +
    `at most ${percent(endedShare)} of the new ones ${ended} and the oldest still there`
  );
}

/** How many more there are than before. */
export interface Growth {
  alive: number;
  grown: number;
  created: number;
  ended: number;
  oldestMs: number;
  spanMs: number;
  /** Some were followed and stand for the others. */
  estimated?: true;
  /** As many connections or requests from outside are open: one for each. */
  inbound: boolean;
  /** Such calls used to end in a tenth of the time, and none has since the oldest began. */
  broke: boolean;
}

/**
 * Rises row after row, and nothing old ends; null for warm-up, a plateau, a sawtooth, and what ends as fast as it begins.
 * If calls ended quickly before, it is judged from the beginning of the oldest: a healthy past does not count.
 */
export function growthOf(place: Place, leastAlive: number, endedShare = ENDED_SHARE): Growth | null {
  const warm = place.readings.filter(({ trackedMs }) => trackedMs >= WARM_UP_MS);
  const broke = hasBroken(place);
  const found = growthIn(thinned(warm), leastAlive, endedShare);
  // A healthy past is in these readings; what ended since the oldest began decides.
  if (found) {
    const stopped = (place.last.entry.endedSinceOldest ?? found.ended) === 0 || isServerHung(place);
    return { ...found, broke: broke && stopped, inbound: found.inbound && !isUnexplained(place) };
  }
  const left = leftBehind(place, warm);
  const stayed = left && growthIn(thinned(left), leastAlive, endedShare);
  if (stayed) return { ...stayed, oldestMs: place.last.entry.oldestMs, inbound: false, broke: false };
  const since = place.last.t - place.last.entry.oldestMs;
  const recent = (left ?? warm).filter(({ t }) => t >= since);
  const late = broke ? growthIn(thinned(recent), leastAlive, endedShare) : null;
  return late && { ...late, ...(left && { inbound: false }), broke: late.ended === 0 };
}

/**
 * What grew while connections from outside came and is there still when they have gone: the readings until it rose no more. Null where they
 * have not gone. Only of what does not outlive its request on purpose, as connections of a pool do.
 */
function leftBehind({ last }: Place, warm: readonly Reading[]): readonly Reading[] | null {
  if (!LEFT_BEHIND.includes(last.entry.what)) return null;
  const rose = warm.findLastIndex(({ entry }, i) => i > 0 && entry.alive > warm[i - 1]!.entry.alive);
  const since = warm.slice(rose + 1);
  const most = Math.max(0, ...warm.slice(0, rose + 1).map(({ inbound }) => inbound));
  const isGone = since.length >= GONE_READINGS && last.inbound <= most * GONE_SHARE && most > 0;
  const stays = last.entry.alive >= STANDING_SHARE * (warm[rose]?.entry.alive ?? 0);
  return isGone && stays ? warm.slice(0, rose + 1) : null;
}

/** The oldest has waited ten times as long as nine of ten did. */
function hasBroken(place: Place): boolean {
  const { usualMs, ended, oldestMs } = place.last.entry;
  const least = areWithout('unanswered', place) ? FEW_CALLS : USUAL_CALLS;
  return typeof usualMs === 'number' && ended >= least && oldestMs >= usualMs * STUCK_RATIO;
}

/** As many requests from outside have no answer: they are what waits, and explain nothing. */
function areWithout(what: 'unanswered' | 'unread', { last, readings }: Place): boolean {
  const recent = readings.slice(-GONE_READINGS);
  return CALLS.includes(last.entry.what) && recent.every((one) => one[what] >= INBOUND_SHARE * one.entry.alive);
}

/** Each of them keeps a request waiting for longer than a server thinks. */
export function keepsUnanswered(place: Place): boolean {
  return place.last.entry.oldestMs >= UNANSWERED_MS && areWithout('unanswered', place);
}

function isServerHung(place: Place): boolean {
  return areWithout('unanswered', place) && hasStopped(place, place.last.t);
}

/** Requests that come in excuse what waits: not those that nobody has answered for long, except where they wait for an event, or whose body nobody reads. */
function isUnexplained(place: Place): boolean {
  const { oldestMs } = place.last.entry;
  if (areWithout('unread', place)) return oldestMs >= UNREAD_MS;
  return oldestMs >= UNANSWERED_MS && !listens(place.last.entry) && isServerHung(place);
}

function growthIn(warm: readonly Reading[], leastAlive: number, endedShare: number): Omit<Growth, 'broke'> | null {
  const [first, last] = [warm[0], warm.at(-1)];
  if (!first || !last || warm.length < GROWTH_READINGS || last.t - first.t < GROWTH_MS) return null;
  const [from, to] = [first.entry, last.entry];
  const created = to.created - from.created;
  const ended = to.ended - from.ended;
  const rise = (counts: readonly number[]): boolean => {
    const [there, more] = [counts.at(-1)!, counts.at(-1)! - counts[0]!];
    const isMore = more >= Math.max(leastAlive / 2, Math.min(there * GROWN_SHARE, leastOfLeak(to, leastAlive)));
    return isMore && there >= STANDING_SHARE * Math.max(...counts) && risingShare(counts) >= RISING_SHARE;
  };
  const isEnough = to.alive >= leastAlive && isFollowed(last, leastAlive);
  const risen = countsOf(warm, leastAlive).find(rise);
  const rises = isEnough && risen !== undefined;
  const grown = rises ? risen.at(-1)! - risen[0]! : 0;
  if (!rises || ended > endedShare * created || !keepsOldest(first, last)) return null;
  const open = Math.max(...warm.slice(-GONE_READINGS).map((reading) => reading.inbound));
  const inbound = open >= INBOUND_SHARE * to.alive;
  const counts = { alive: to.alive, grown, created, ended, ...estimatedOf(last) };
  return { ...counts, oldestMs: to.oldestMs, spanMs: last.t - first.t, inbound };
}

/** Where only some are followed, the number is an estimate. */
export function estimatedOf({ entry: { followed, alive } }: Reading): { estimated?: true } {
  return followed !== undefined && followed < alive ? { estimated: true } : {};
}

/** A few that stand for many are chance. */
export function isFollowed({ entry: { followed, alive } }: Reading, leastAlive: number): boolean {
  return (followed ?? alive) >= leastAlive * FOLLOWED_SHARE;
}

/** How many are alive; and, where these are enough, how many are followed themselves: estimates go up and down by chance. */
export function countsOf(readings: readonly Reading[], least: number): number[][] {
  const followed = readings.flatMap(({ entry }) => entry.followed ?? []);
  const isEnough = followed.length === readings.length && followed.at(-1)! >= least;
  return [readings.map(({ entry }) => entry.alive), ...(isEnough ? [followed] : [])];
}

/** Of listeners of which none was ever removed, more are a leak however many there are already; calls and handles may be a crowd. */
function leastOfLeak({ what, ended }: Reading['entry'], leastAlive: number): number {
  return what === 'listener' && ended === 0 ? leastAlive : Number.POSITIVE_INFINITY;
}

function risingShare(counts: readonly number[]): number {
  const rising = counts.filter((count, i) => i > 0 && count > counts[i - 1]!);
  return rising.length / (counts.length - 1);
}

function keepsOldest(first: Reading, last: Reading): boolean {
  const spanMs = last.t - first.t;
  const movedMs = last.t - last.entry.oldestMs - (first.t - first.entry.oldestMs);
  return last.entry.oldestMs >= spanMs * (1 - MOVED_SHARE) && movedMs <= Math.max(MOVED_MS, spanMs * MOVED_SHARE);
}

/** Created and ended count within the span, which begins after the warm-up: more may be alive than were created. */
export interface GrowthEvidence {
  alive: number;
  /** The counts are estimates. */
  estimated?: true;
  oldestMs: number;
  observedMs: number;
  createdMeanwhile: number;
  endedMeanwhile: number;
}

export function growthEvidence({ alive, created, ended, oldestMs, spanMs, estimated }: Growth): GrowthEvidence {
  const spent = { createdMeanwhile: created, endedMeanwhile: ended };
  const about = estimated ? { estimated } : {};
  return { alive, ...about, oldestMs: round(oldestMs), observedMs: round(spanMs), ...spent };
}

export function growthWords({
  alive,
  estimated,
  oldestMs,
  observedMs,
  createdMeanwhile,
  endedMeanwhile,
}: GrowthEvidence): string[] {
  return [
    `${aboutText(alive, estimated)} alive`,
    `the oldest for ${formatMs(oldestMs)}`,
    `${createdMeanwhile} begun and ${endedMeanwhile} ended in ${formatMs(observedMs)}`,
  ];
}

/** "48", "about 48" */
export function aboutText(count: number, estimated: boolean | undefined): string {
  return estimated ? `about ${count}` : String(count);
}

/** The oldest has waited much longer than others took that began later at the same place. */
export interface Stuck {
  alive: number;
  /** Without the time in which the thread was blocked. */
  oldestMs: number;
  ended: number;
  endedMaxMs: number;
}

export function stuckOf(
  { last, readings }: Place,
  recording: StallView,
  least: { oldestMs: number; ended: number },
): Stuck | null {
  const { endedSinceOldest, endedMaxMs, alive, oldestMs: ageMs } = last.entry;
  if (alive === 0 || ageMs < least.oldestMs || endedSinceOldest < least.ended || endedMaxMs === null) return null;
  const oldestMs = awakeMs(recording, last);
  // Some of those alive now began a moment ago.
  const before = readings.at(-2)?.entry.alive ?? alive;
  const sure = Math.min(alive, before, last.entry.followed ?? alive);
  if (oldestMs < least.oldestMs || longestOf(last.entry, sure) > oldestMs) return null;
  return {
    alive: sure,
    oldestMs,
    ended: endedSinceOldest,
    endedMaxMs,
  };
}

/** What is longer is out of all proportion. One that took very long, among many, is an exception where several wait; one that waits may be another. */
function longestOf({ usualMs, slowMs, endedMaxMs }: Reading['entry'], waiting: number): number {
  const most = endedMaxMs ?? 0;
  const slowest = waiting >= FEW_CALLS ? Math.min(most, slowMs ?? most) : most;
  return usualMs == null ? slowest * STUCK_RATIO : Math.max(usualMs * STUCK_RATIO, slowest * SLOWEST_RATIO);
}

/** Age of the oldest, without the time in which the thread was blocked or the process stopped. */
export function awakeMs(recording: StallView, { t, entry }: { t: number; entry: { oldestMs: number } }): number {
  const from = t - entry.oldestMs;
  const asleepMs = allStalls(recording)
    .filter(({ durationMs }) => durationMs >= LEAST_STALL_MS)
    .map(({ startMs, durationMs }) => Math.max(0, Math.min(t, startMs + durationMs) - Math.max(from, startMs)))
    .reduce((sum, ms) => sum + ms, 0);
  return Math.max(0, entry.oldestMs - asleepMs);
}
