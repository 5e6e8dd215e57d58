/**
 * A limit that is asked for within what it runs, as stacks show it (`NestedAsk`), and that stands: nothing that was asked of it is settled any
 * more, inside or outside, while more ask for it. A helper that runs whatever it gets would ask inside as often as outside.
 */
import { fileAndLine, lineKey } from '../recording/places.ts';
import type { Location, NestedAsk, UnfinishedEntry } from '../recording/types.ts';
import { neededMs } from './frozen.ts';
import { ASKED_MEANWHILE, type ReturnedLimit } from './returned-limits.ts';
import type { Period } from './unfinished.ts';
import { isNetwork } from './waits.ts';

/** Where few of them were followed, more ask in so many rows: one that stands for many is chance. */
const ASKED_ROWS = 3;
/** Something else that began to wait when the limit stopped may be what holds it up. */
const BESIDE_MS = 2500;

export function nestedAsks(period: Period): ReturnedLimit[] {
  const byPlace = new Map<string, Reading[]>();
  for (const { t, nested = [] } of period) {
    for (const ask of nested) {
      const key = `${lineKey(ask.limit)} ${lineKey(ask.inner)}`;
      byPlace.set(key, [...(byPlace.get(key) ?? []), { t, ask }]);
    }
  }
  return [...byPlace.values()].flatMap((readings) => toLimit(readings, period) ?? []);
}

interface Reading {
  t: number;
  ask: NestedAsk;
}

function toLimit(readings: readonly Reading[], period: Period): ReturnedLimit | null {
  const { t, ask } = readings.at(-1)!;
  const moved = readings.findLastIndex(({ ask: before }) => !stands(before, ask));
  const since = readings.slice(moved + 1);
  const stoodMs = t - since[0]!.t;
  const { within, others, holder, inner, outer } = ask;
  if (stoodMs < neededMs(others.usualMs) || !isAsked(since)) return null;
  const oldestMs = Math.max(within.oldestMs, stoodMs);
  if (othersMayHold(ask, oldestMs, period.findLast((row) => row.t <= t)!.entries)) return null;
  const open = (counts: NestedAsk['within']): number => Math.max(1, Math.round(counts.created - counts.ended));
  return {
    ...{ t, holder, inner, oldestMs, holding: open(within), waiting: open(others) },
    ...(open(within) > 1 && { asksOnly: true as const }),
    isLeast: false,
    estimated: others.followed < open(others),
    alsoAt: outer,
  };
}

/** Nothing was settled, and nothing more asked for inside. */
function stands({ within, others }: NestedAsk, last: NestedAsk): boolean {
  return (
    within.created === last.within.created && within.ended === last.within.ended && others.ended === last.others.ended
  );
}

function isAsked(since: readonly Reading[]): boolean {
  const rose = since.filter(({ ask }, i) => i > 0 && ask.others.created > since[i - 1]!.ask.others.created);
  const followed = since.at(-1)!.ask.others.followed - since[0]!.ask.others.followed;
  const created = since.at(-1)!.ask.others.created - since[0]!.ask.others.created;
  return followed >= ASKED_MEANWHILE || (created >= ASKED_MEANWHILE && rose.length >= ASKED_ROWS);
}

function othersMayHold(ask: NestedAsk, ageMs: number, entries: readonly UnfinishedEntry[]): boolean {
  const known = new Set([ask.limit, ask.inner, ...ask.outer].map(fileAndLine));
  const isKnown = (at: Location | null | undefined): boolean => at != null && known.has(fileAndLine(at));
  return entries.some((entry) => {
    const { what, location, madeBy, alive, oldestMs } = entry;
    if (alive === 0 || Math.abs(oldestMs - ageMs) > BESIDE_MS) return false;
    if (what === 'handle') return isNetwork(entry) && entry.referenced > 0;
    if ((what !== 'await' && what !== 'reaction') || location === null || location.file === ask.limit.file)
      return false;
    // What waits for a call, or for a reaction, waits for what is followed itself.
    return (madeBy === null || madeBy.what === 'promise') && !isKnown(location) && !isKnown(madeBy?.location);
  });
}
