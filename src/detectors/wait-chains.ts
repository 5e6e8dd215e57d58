/** Who waits for whom at one time, from the rows of what waits. */
import { functionKey, lineKey, packageNameOf, toLocation } from '../recording/places.ts';
import { type Frame, rowsOf, type View, type WaitingGroup, type WaitsRow } from '../recording/types.ts';
import { thinned } from './limits.ts';
import { type Period, type Place, placesOf } from './unfinished.ts';

/** A suspended call, and what it awaits as text, '' where that is not at hand. */
export interface WaitFrame extends Frame {
  code: string;
}

/** Calls that wait in one chain of awaits, innermost first. */
export interface Chain {
  count: number;
  estimated: boolean;
  oldestMs: number;
  frames: readonly WaitFrame[];
  made: WaitingGroup['made'];
}

/** All chains of one row. */
export interface Chains {
  t: number;
  all: readonly Chain[];
  /** Those that wait for something that is no call of which more is known. */
  leaves: readonly Chain[];
}

/** A promise that others settle. */
const COMBINATORS: readonly string[] = ['all', 'allSettled', 'any', 'race'];

/** A row may come a moment after the one that it belongs to. */
const BESIDE_MS = 100;

/** Several rules ask for the same. */
const known = new WeakMap<Period, Chains[]>();
/** Those of a period of tracking; of a long one, some. */
export function chainsIn(period: Period, recording: View<'waits'>): Chains[] {
  const [from, to] = [period[0]!.t - BESIDE_MS, period.at(-1)!.t + BESIDE_MS];
  const before = known.get(period);
  if (before) return before;
  const chains = thinned(rowsOf(recording, 'waits').filter(({ t }) => t >= from && t <= to)).map(chainsOf);
  known.set(period, chains);
  return chains;
}

function chainsOf(row: WaitsRow): Chains {
  const chains = row.groups.flatMap(({ chain, ...group }) => {
    const frames = chain.flatMap((i) => (row.frames[i] ? [{ ...row.frames[i], code: row.codes[i] ?? '' }] : []));
    return frames.length > 0 ? [{ ...group, frames }] : [];
  });
  const makers = new Map(chains.flatMap(({ frames, made }) => (made ? [[lineKey(frames[0]!), made] as const] : [])));
  const byKey = new Map<string, Chain>();
  for (const { count, oldestMs, frames, estimated = false, ...one } of chains) {
    // Not each promise is followed: others that wait there show what made theirs.
    const made = one.made ?? makers.get(lineKey(frames[0]!)) ?? null;
    const key = `${frames.map(lineKey).join(' ')} ${made ? `${made.what} ${made.type} ${made.at && lineKey(made.at)}` : ''}`;
    const same = byKey.get(key);
    const oldest = Math.max(oldestMs, same?.oldestMs ?? 0);
    const isEstimate = estimated || same?.estimated === true;
    byKey.set(key, { count: count + (same?.count ?? 0), estimated: isEstimate, oldestMs: oldest, frames, made });
  }
  const all = [...byKey.values()];
  const outer = new Set(all.flatMap(({ frames }) => frames.slice(1).map(lineKey)));
  return { t: row.t, all, leaves: all.filter((one) => isLeaf(one, outer)) };
}

function isLeaf({ frames, made }: Chain, outer: ReadonlySet<string>): boolean {
  if (made?.what === 'call') return false;
  if (made?.what === 'promise') return !COMBINATORS.includes(made.type);
  return !outer.has(lineKey(frames[0]!));
}

/** Several are waited for at once. */
export function isCombined({ made }: Chain): boolean {
  return made !== null && COMBINATORS.includes(made.type);
}

/** What is waited for: where the promise was made, or else where it is awaited. */
export function waitedFor({ frames, made }: Chain): { file: string; key: string } {
  const place = made?.at && !COMBINATORS.includes(made.type) ? made.at : frames[0]!;
  return { file: place.file, key: lineKey(place) };
}

/** Awaits of a period; those within a package at the place in the program that waits for them, where that is known. */
export function ownAwaits(period: Period, recording: View<'waits'>): Place[] {
  const owners = new Map<string, WaitFrame>();
  for (const { frames } of chainsIn(period, recording).flatMap(({ leaves }) => leaves)) {
    const own = frames.findIndex(isOwn);
    for (const frame of frames.slice(0, Math.max(0, own))) owners.set(lineKey(frame), frames[own]!);
  }
  return placesOf(period, 'await').map((place) => {
    const owner = packageNameOf(place.location.file) === null ? undefined : owners.get(lineKey(place.location));
    return owner ? { ...place, location: toLocation(owner) } : place;
  });
}

export function isOwn({ category }: Frame): boolean {
  return category === 'application';
}

export function isSameFunction(a: Frame, b: Frame): boolean {
  return functionKey(a) === functionKey(b);
}

/** Behind `before` in the same function. */
export function isLaterIn(frame: Frame, before: Frame): boolean {
  if (!isSameFunction(frame, before)) return false;
  return frame.line > before.line || (frame.line === before.line && frame.column > before.column);
}

export function sumOf(chains: readonly Chain[]): number {
  return chains.reduce((sum, { count }) => sum + count, 0);
}

/** "about " before a count of calls where some stand for others. */
export function aboutOf(chains: readonly Chain[]): string {
  return chains.some(({ estimated }) => estimated) ? 'about ' : '';
}

export function oldestOf(chains: readonly Chain[]): number {
  return Math.max(0, ...chains.map(({ oldestMs }) => oldestMs));
}
