/**
 * What is asked of a limit within a function that the limit itself runs, as far as stacks show it: a promise that waits was made by the
 * limit, and further out on its stack is the limit again, or a function that is written where others ask the same limit. Known for
 * functions that return what a limit gives them, of which no await says who holds what.
 */
import { functionKey, lineKey, toLocation } from '../../src/recording/places.ts';
import type { Frame, Location, NestedAsk } from '../../src/recording/types.ts';
import type { RawSite } from '../tracked.ts';

/** A function that is handed over is written behind the call that it is handed to: so many columns at most. In a minified file all is on one line. */
const BESIDE_COLUMNS = 200;
/** In one row. */
const MAX_NESTED = 5;
const MAX_PLACES = 6;

type Ways = (id: number) => readonly Frame[] | undefined;

interface Asked {
  site: RawSite;
  /** Of what made the promise, innermost first: the limit, who asks it, and their callers. */
  way: readonly Frame[];
}

interface Within extends Asked {
  holder: Frame;
}

/** `wayTo`: the frames of a site, those of the program and of packages. */
export function nestedAsks(sites: readonly RawSite[], wayTo: Ways): NestedAsk[] {
  const byLimit = new Map<string, Asked[]>();
  const limits = limitsOf(sites, wayTo);
  for (const site of sites) {
    const way = wayOf(site, wayTo, limits);
    if (way.length < 2) continue;
    const limit = functionKey(limitIn(way));
    byLimit.set(limit, [...(byLimit.get(limit) ?? []), { site, way }]);
  }
  return [...byLimit.values()].flatMap((all) => toNested(all, wayTo) ?? []).slice(0, MAX_NESTED);
}

/** Not each promise is followed: others that wait at the same place show which limit made theirs. */
function limitsOf(sites: readonly RawSite[], wayTo: Ways): Map<string, readonly Frame[]> {
  const limits = new Map<string, readonly Frame[]>();
  for (const site of sites) {
    const made = site.madeBy?.what === 'promise' ? wayTo(site.madeBy.id) : undefined;
    if (made && made.length > 0) limits.set(placeOf(site, wayTo), made.slice(0, made.indexOf(limitIn(made)) + 1));
  }
  return limits;
}

function placeOf({ id, what, type }: RawSite, wayTo: Ways): string {
  const own = wayTo(id)?.[0];
  return `${what} ${type} ${own ? lineKey(own) : ''}`;
}

function wayOf(site: RawSite, wayTo: Ways, limits: ReadonlyMap<string, readonly Frame[]>): readonly Frame[] {
  const { id, what, madeBy } = site;
  if (what !== 'await' && what !== 'reaction') return [];
  if (madeBy?.what === 'promise') return wayTo(madeBy.id) ?? [];
  const own = wayTo(id) ?? [];
  const known = madeBy === null ? limits.get(placeOf(site, wayTo)) : undefined;
  if (known) return [...known, ...own];
  // In a chain of promises the reaction itself is what the limit makes.
  return madeBy?.what === 'reaction' && what === 'reaction' ? own : [];
}

function toNested(all: readonly Asked[], wayTo: Ways): NestedAsk | null {
  const inner = all.flatMap((one): Within[] => {
    const holder = holderIn(one, all);
    return holder ? [{ ...one, holder }] : [];
  });
  const within = largest(inner);
  const others = all.filter(({ site }) => inner.every((one) => one.site !== site));
  const outer = largest(others);
  if (!within || !outer || openOf(within.site) <= 0 || openOf(outer.site) <= 0) return null;
  const same = inner.filter(({ site, way }) => site.type === within.site.type && isSame(way, within.way));
  return {
    limit: toLocation(limitIn(within.way)),
    holder: toLocation(within.holder),
    inner: toLocation(askerIn(within.way)),
    outer: placesOf(outer, wayTo),
    within: sums(same),
    others: sums(others.filter(({ site, way }) => site.type === outer.site.type && isSame(way, outer.way))),
  };
}

/** The function of a package that the program calls; or else the one that makes the promise. */
function limitIn(way: readonly Frame[]): Frame {
  const own = way.findIndex(({ category }) => category === 'application');
  return way[Math.max(0, own - 1)]!;
}

/** The function that the limit runs, in which this is asked for. */
function holderIn({ way }: Asked, all: readonly Asked[]): Frame | null {
  const limit = limitIn(way).file;
  const from = way.findIndex(({ file }, i) => i > way.indexOf(limitIn(way)) && file !== limit);
  const again = from < 0 ? -1 : way.findIndex(({ file }, i) => i > from && file === limit);
  if (again > 0) return way[again - 1]!;
  const lines = all.filter((other) => other.way !== way).flatMap((other) => askersIn(other.way));
  return way.slice(1).find((frame) => lines.some((line) => isWrittenAt(frame, line))) ?? null;
}

function isWrittenAt({ file, start }: Frame, asked: Frame): boolean {
  const [line, column] = (start ?? '').split(':').map(Number);
  const columns = (column ?? 0) - asked.column;
  return file === asked.file && line === asked.line && columns > 0 && columns <= BESIDE_COLUMNS;
}

/** Who asks: behind the limit, or behind all of its file. */
function askersIn(way: readonly Frame[]): Frame[] {
  const limit = limitIn(way);
  const behind = way.slice(way.indexOf(limit) + 1);
  const outside = behind.find(({ file }) => file !== limit.file);
  return [behind[0], outside].filter((frame) => frame !== undefined);
}

function askerIn(way: readonly Frame[]): Frame {
  const asking = askersIn(way).at(-1) ?? way.at(-1)!;
  return way.slice(way.indexOf(asking)).find(({ category }) => category === 'application') ?? asking;
}

/** Where the program asks, and where it waits for that. */
function placesOf({ site, way }: Asked, wayTo: Ways): Location[] {
  const asker = askerIn(way);
  const frames = [...way.slice(way.indexOf(asker)), ...(wayTo(site.id) ?? [])];
  const own = frames.filter(({ category }) => category === 'application').map(toLocation);
  return [...new Map(own.map((at) => [lineKey(at), at])).values()].slice(0, MAX_PLACES);
}

function isSame(one: readonly Frame[], other: readonly Frame[]): boolean {
  return functionKey(askerIn(one)) === functionKey(askerIn(other));
}

function largest<T extends Asked>(all: readonly T[]): T | undefined {
  return all.toSorted((a, b) => openOf(b.site) - openOf(a.site))[0];
}

/** Those that are lost never ended, either. */
function openOf({ created, ended }: RawSite): number {
  return created - ended;
}

function sums(all: readonly Asked[]): NestedAsk['within'] {
  const total = { created: 0, ended: 0, followed: 0, oldestMs: 0, usualMs: 0 };
  for (const { site } of all) {
    total.created += site.created;
    total.ended += site.ended;
    total.followed += site.followed;
    total.oldestMs = Math.max(total.oldestMs, site.oldestMs);
    total.usualMs = Math.max(total.usualMs, site.usualMs ?? 0);
  }
  return total;
}
