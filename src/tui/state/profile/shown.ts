/** Which profile the tab shows, and which part of it. */
import { cutProfile } from '../../../profile/cut.ts';
import type { Profile, ThreadProfile } from '../../../profile/types.ts';
import type { Recording, RowOf } from '../../../recording/types.ts';
import { formatMs } from '../../../util/text.ts';
import type { Moment, ProfileState, ShownProfile } from '../types.ts';

/** Of the chosen thread, on the clock of its recording. */
export interface Shown {
  of: ShownProfile;
  /** Place of the thread among those of the profile. */
  index: number;
  /** Null where it is not known. */
  startMs: number | null;
  spanMs: number;
  /** Null before it has been read. */
  whole: ThreadProfile | null;
  /** The same as `whole`, or the part of it in the range. */
  part: ThreadProfile | null;
  /** Of the part, ms since the profile began; null for all. */
  range: { fromMs: number; toMs: number } | null;
}

/** Those that have the chosen thread, the newest first. */
export function profilesOf({ chosen: { header }, profiles }: Moment): ShownProfile[] {
  return profiles.all.filter(
    ({ pid, threads }) => pid === header.pid && threads.some(({ threadId }) => threadId === header.threadId),
  );
}

/** The one that the user chose, or the newest; null if the chosen thread has none. */
export function shownOf(moment: Moment): Shown | null {
  const mine = profilesOf(moment);
  const of = mine.find(({ id }) => id === moment.profiles.chosen) ?? mine[0];
  if (!of) return null;
  const { header } = moment.chosen;
  const index = of.threads.findIndex(({ threadId }) => threadId === header.threadId);
  const { startMonotonicMs, spanMs } = of.threads[index]!;
  const startMs = startMonotonicMs === null ? null : startMonotonicMs - header.startMonotonicMs;
  const whole = of.profile?.threads[index] ?? null;
  const range = rangeIn(of, index, moment.profiles.range);
  return { of, index, startMs, spanMs, whole, part: whole && range ? cut(of.profile!, index, range) : whole, range };
}

/** Null if the profile of that thread has nothing in the range. */
function rangeIn(
  { threads, profile }: ShownProfile,
  index: number,
  range: ProfileState['range'],
): { fromMs: number; toMs: number } | null {
  const { startMonotonicMs, spanMs } = threads[index]!;
  if (!range || startMonotonicMs === null || !profile?.threads[index]?.samples) return null;
  const fromMs = Math.max(0, range.fromMs - startMonotonicMs);
  const toMs = Math.min(spanMs, range.toMs - startMonotonicMs);
  return toMs > fromMs ? { fromMs, toMs } : null;
}

/** Each frame uses it many times. */
const lastCut = new WeakMap<ThreadProfile, { key: string; part: ThreadProfile }>();

function cut(profile: Profile, index: number, range: { fromMs: number; toMs: number }): ThreadProfile {
  const whole = profile.threads[index]!;
  const key = `${range.fromMs} ${range.toMs}`;
  const known = lastCut.get(whole);
  if (known?.key === key) return known.part;
  const part = cutProfile({ ...profile, threads: [whole] }, range)?.threads[0] ?? whole;
  lastCut.set(whole, { key, part });
  return part;
}

/** What is shown, as a profile to be written: the range in all threads, the chosen one first. */
export function partOf(shown: Shown, range: ProfileState['range']): Profile {
  const profile = shown.of.profile!;
  const parts = profile.threads.map((thread, i) => {
    const its = rangeIn(shown.of, i, range);
    return its ? cut(profile, i, its) : thread;
  });
  const chosen = parts[shown.index]!;
  return { ...profile, threads: [chosen, ...parts.filter((one) => one !== chosen)] };
}

/** A stall that a profile has seen, and that profile. */
export interface Sighting {
  stall: RowOf<'stall'>;
  of: ShownProfile;
  overlapMs: number;
  /** From its beginning to its end. */
  isWhole: boolean;
}

/** How late the watchdog's clock may be. */
const LATE_MS = 1;

/** The longest of some stalls of the chosen thread that a profile has seen, whole ones first; null if none has seen any. */
export function sightingOf(moment: Moment, stalls: readonly RowOf<'stall'>[]): Sighting | null {
  const sightings = profilesOf(moment).flatMap((of) => {
    const span = spanOf(of, moment.chosen);
    return span ? stalls.map((stall) => sighting(stall, of, span)) : [];
  });
  return sightings.filter(({ overlapMs }) => overlapMs > 0).reduce<Sighting | null>(better, null);
}

function sighting(stall: RowOf<'stall'>, of: ShownProfile, span: { fromMs: number; toMs: number }): Sighting {
  const { startMs, durationMs } = stall;
  const overlapMs = Math.min(span.toMs, startMs + durationMs) - Math.max(span.fromMs, startMs);
  return { stall, of, overlapMs, isWhole: overlapMs >= durationMs - LATE_MS };
}

function better(best: Sighting | null, other: Sighting): Sighting {
  if (!best || best.isWhole !== other.isWhole) return best?.isWhole ? best : other;
  return other.overlapMs > best.overlapMs ? other : best;
}

/** On the clock of the recording; null if it is not known, or the profile has no times. */
export function spanOf(of: ShownProfile, { header }: Recording): { fromMs: number; toMs: number } | null {
  const thread = of.threads.find(({ threadId }) => threadId === header.threadId);
  if (!thread || thread.startMonotonicMs === null || thread.spanMs <= 0) return null;
  const fromMs = thread.startMonotonicMs - header.startMonotonicMs;
  return { fromMs, toMs: fromMs + thread.spanMs };
}

/** '1.2 s to 4.3 s' */
export function spanText({ fromMs, toMs }: { fromMs: number; toMs: number }): string {
  return `${formatMs(fromMs)} to ${formatMs(toMs)}`;
}
