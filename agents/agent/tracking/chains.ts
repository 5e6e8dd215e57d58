import { NativeMap, NativeSet } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawWaiting } from '../../tracked.ts';
import type { Awaiting } from './awaiting.ts';
import type { FollowedPromise } from './floating.ts';
import type { Site } from './sites.ts';

/** What has waited for less is not asked for: nearly all of it ends by itself. */
const OLD_MS = 2500;
/** Of those at a site that has an old one; what has just begun may be gone before anybody reads of it. */
const YOUNG_MS = 500;
/** Asked of one site: those that call it wait in the same way, mostly. */
const PER_SITE = 3;
/** Sites asked in one row, those with the oldest first: some 20 µs each promise. */
const MAX_SITES = 50;
const MAX_FRAMES = 20;

/** What makes a promise that others settle: it says nothing of what is waited for. */
const INDIRECT = new NativeSet(['all', 'allSettled', 'any', 'race']);

/** Suspended calls and combinators that have waited for long, with who awaits them, innermost first. */
export function waitingChains(
  followed: Iterable<FollowedPromise>,
  sites: (id: number) => Site | undefined,
  awaiting: Awaiting,
  now: number,
): RawWaiting[] {
  const chosen = chooseSites(followed, now);
  const promises = chosen.flatMap(({ some }) => some.flatMap(({ ref }) => ref.deref() ?? []));
  const chains = promises.length > 0 ? awaiting.chains(promises) : [];
  let next = 0;
  return chosen.flatMap(({ site, some, oldestMs }) => {
    const there = some.filter(({ ref }) => ref.deref() !== undefined);
    const awaiters = there.map(() => (chains[next++] ?? []).slice(0, MAX_FRAMES));
    return groupsOf(site, awaiters, oldestMs, sites);
  });
}

interface Chosen {
  site: Site;
  some: FollowedPromise[];
  oldestMs: number;
}

function chooseSites(followed: Iterable<FollowedPromise>, now: number): Chosen[] {
  const bySite = new NativeMap<Site, Chosen>();
  for (const one of followed) {
    const ageMs = now - one.startMs;
    const { site } = one;
    if (ageMs < YOUNG_MS || !(site.what === 'await' || isCombinator(site))) continue;
    const of = bySite.get(site) ?? { site, some: [], oldestMs: 0 };
    bySite.set(site, of);
    if (of.some.length < PER_SITE) of.some.push(one);
    if (ageMs > of.oldestMs) of.oldestMs = ageMs;
  }
  return [...bySite.values()]
    .filter(({ oldestMs }) => oldestMs >= OLD_MS)
    .sort((a, b) => b.oldestMs - a.oldestMs)
    .slice(0, MAX_SITES);
}

/** One for each chain; for a promise with several reactions V8 reports none, and the stack of the site is used. */
function groupsOf(
  site: Site,
  chains: RawFrame[][],
  oldestMs: number,
  sites: (id: number) => Site | undefined,
): RawWaiting[] {
  const counts = new NativeMap<string, { frames: RawFrame[]; seen: number }>();
  for (let i = 0; i < chains.length; i++) {
    const frames = chains[i]!;
    let key = '';
    for (const [, url, line, column] of frames) key += `${url}:${line}:${column} `;
    const group = counts.get(key) ?? { frames: frames.some(isPlace) ? frames : site.frames, seen: 0 };
    counts.set(key, group);
    group.seen++;
  }
  const maker = site.madeBy === null ? undefined : sites(site.madeBy);
  return [...counts.values()].map(({ frames, seen }) => ({
    count: (site.alive * seen) / chains.length,
    ...((site.followed < site.alive || (counts.size > 1 && chains.length < site.alive)) && {
      estimated: true as const,
    }),
    oldestMs,
    frames,
    made: maker ? { what: maker.what, type: maker.type, frames: maker.frames } : null,
  }));
}

/** Of the built-ins, combinators are reported. */
function isPlace([, url]: RawFrame): boolean {
  return url !== null;
}

/** Of the combinators each reaction is followed, by the promise that it reacts to. */
export function isCombinator({ what, type }: Pick<Site, 'what' | 'type'>): boolean {
  return what === 'reaction' && INDIRECT.has(type);
}
