import { min, NativeMap, NativeNumber, NativeSet } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { callerFiles, chosenCallSites } from '../stack.ts';
import { currentWork, type WorkItem } from '../work/current.ts';
import { addDuration, type Durations, noDurations } from './durations.ts';

/** Frames looked at, those of the agent on top of them included, and of them the outer ones outside of Node’s own modules that are kept. */
export const MAX_FRAMES = 21;
const MAX_KEPT = 6;
/** Enough for two of the program, below Node's own that call hooks. */
const GLANCE_FRAMES = 4;
/** What one stands for in the highest number and among the lost: where few stand for many, chance decides. */
const PEAK_WEIGHT = 25;
const LOST_WEIGHT = 5;
/** Places in memory; more are counted as dropped. */
const MAX_SITES = 2000;

/** The counts of a site. The watchdog makes an `UnfinishedEntry` of it. */
export interface Site {
  id: number;
  what: 'await' | 'call' | 'reaction' | 'promise' | 'handle' | 'listener';
  type: string;
  detail: string;
  frames: RawFrame[];
  created: number;
  ended: number;
  lost: number;
  alive: number;
  /** Of those alive, how many are followed: each may stand for more. */
  followed: number;
  peak: number;
  floating: number;
  rejected: number;
  /** reaction: most of them to one promise, settled or not. */
  onOne: number;
  /** Of the oldest that is alive, at the last reading. */
  oldestStart: number;
  referenced: number;
  /** handle: of those that were looked at, how many hold a store of an AsyncLocalStorage. */
  looked: number;
  pinned: number;
  position: Position;
  /** await: the site of what made the awaited promise, if that was followed. */
  madeBy: number | null;
  /** call: the function that is called. */
  callee: RawFrame | null;
  /** The requests and jobs that started some of them last: a few. */
  work: WorkItem[];
  /** The watchdog knows its frames. */
  reported: boolean;
  changed: boolean;
}

/** Things of one kind at one position, whatever the caller. */
interface Position {
  oldestStart: number;
  durations: Durations;
  endedSinceOldest: number;
}

/** One thing that was started; `weight` is how many it represents. */
export interface Started {
  site: Site;
  startMs: number;
  weight: number;
}

export function createSites() {
  const byKey = new NativeMap<string, Site>();
  const byId = new NativeMap<number, Site>();
  const positions = createPositions();
  let nextId = 1;
  let dropped = 0;

  return {
    /** The place of what is being started now; null if there is no room. */
    here(what: Site['what'], type: string, detail: string, frames: RawFrame[]): Site | null {
      const kept = outermost(frames);
      let key = `${what} ${type} ${detail}`;
      for (const [, url, line, column] of kept) key += ` ${url}:${line}:${column}`;
      const known = byKey.get(key);
      if (known) {
        noteWork(known);
        return known;
      }
      if (byKey.size >= MAX_SITES) {
        dropped++;
        return null;
      }
      const site: Site = {
        id: nextId++,
        what,
        type,
        detail,
        frames: kept,
        created: 0,
        ended: 0,
        lost: 0,
        alive: 0,
        followed: 0,
        peak: 0,
        floating: 0,
        rejected: 0,
        onOne: 0,
        oldestStart: NativeNumber.POSITIVE_INFINITY,
        referenced: 0,
        looked: 0,
        pinned: 0,
        position: positions.of(`${what} ${type} ${detail}`, kept),
        madeBy: null,
        callee: null,
        work: [],
        reported: false,
        changed: true,
      };
      noteWork(site);
      byKey.set(key, site);
      byId.set(site.id, site);
      return site;
    },
    all: () => byKey.values(),
    byId: (id: number): Site | undefined => byId.get(id),
    dropped: () => dropped,
  };
}
export type Sites = ReturnType<typeof createSites>;

/** Kept of a place: each may be of another route. */
const MAX_WORK = 4;

function noteWork({ work }: Site): void {
  const item = currentWork();
  if (!item || work[work.length - 1] === item) return;
  if (work.length >= MAX_WORK) work.shift();
  work.push(item);
}

/** The stack of what the application does now, without the agent's frames, innermost first. */
export function currentFrames(below?: (...args: never[]) => unknown, limit = MAX_FRAMES): RawFrame[] {
  return belowHooks(chosenCallSites(limit, below, informative));
}

/** Node's before the second other frame; then those of libraries and of the application, so many of each and one for hooks. */
export function informative(urls: (string | null)[]): boolean[] {
  const counts = { libraries: 0, own: 0 };
  return urls.map((url) => {
    if (isNodesUrl(url)) return counts.libraries + counts.own < 2;
    return ++counts[isLibrarys(url) ? 'libraries' : 'own'] <= MAX_KEPT + 1;
  });
}

/** The files of the innermost frames below a hook's callback, which are much cheaper than the frames. */
export function innermostFiles(hook: (...args: never[]) => unknown): (string | null)[] {
  const files = callerFiles(GLANCE_FRAMES, hook);
  const first = files.findIndex((url) => !HOOKS.has(url ?? ''));
  return first < 0 ? [] : files.slice(first);
}

/** Without the frames by which Node calls hooks. */
export function belowHooks(frames: RawFrame[]): RawFrame[] {
  let own = 0;
  while (own < frames.length && HOOKS.has(frames[own]![1] ?? '')) own++;
  return own > 0 ? frames.slice(own) : frames;
}

/** Where several hooks are there, Node calls them from here. */
const HOOKS = new NativeSet(['node:internal/promise_hooks', 'node:internal/async_hooks', 'node:async_hooks']);

export function isHook(url: string | null): boolean {
  return url !== null && HOOKS.has(url);
}

export function isNodes([, url]: RawFrame): boolean {
  return isNodesUrl(url);
}

export function isNodesUrl(url: string | null): boolean {
  return url === null || url.startsWith('node:');
}

export function isLibrarys(url: string | null): boolean {
  return url !== null && (url.includes('/node_modules/') || url.includes('\\node_modules\\'));
}

/** Node's frames before the first other one, and then only those of libraries and of the application, so many of each. */
function outermost(frames: RawFrame[]): RawFrame[] {
  const counts = { libraries: 0, own: 0 };
  return frames.filter((frame) => {
    if (isNodes(frame)) return counts.libraries + counts.own === 0;
    return ++counts[isLibrarys(frame[1]) ? 'libraries' : 'own'] <= MAX_KEPT;
  });
}

export function begin(started: Started): void {
  const { site, weight } = started;
  site.created += weight;
  site.alive += weight;
  site.followed++;
  const peak = min(site.alive, site.followed * PEAK_WEIGHT);
  if (peak > site.peak) site.peak = peak;
  site.changed = true;
}

export function end({ site, weight, startMs }: Started, nowMs: number): void {
  const { position } = site;
  site.ended += weight;
  site.alive -= weight;
  site.followed--;
  addDuration(position.durations, nowMs - startMs, weight);
  if (startMs > position.oldestStart) position.endedSinceOldest += weight;
  site.changed = true;
}

/** It is no longer there, and when it ended nobody saw: for what it may have taken, the longest counts. */
export function endUnseen({ site, weight, startMs }: Started, nowMs: number): void {
  const { position } = site;
  site.ended += weight;
  site.alive -= weight;
  site.followed--;
  addDuration(position.durations, nowMs - startMs, weight, false);
  if (startMs > position.oldestStart) position.endedSinceOldest += weight;
  site.changed = true;
}

export function lose({ site, weight }: Started): void {
  site.lost += min(weight, LOST_WEIGHT);
  site.alive -= weight;
  site.followed--;
  site.changed = true;
}

/** Clears the oldest of each site; what ends later than it then counts in `afterOldest`. */
export function beforeOldest(sites: Sites): Map<Position, number> {
  const before = new NativeMap<Position, number>();
  for (const site of sites.all()) {
    before.set(site.position, site.position.oldestStart);
    site.oldestStart = NativeNumber.POSITIVE_INFINITY;
    site.referenced = 0;
    site.looked = 0;
    site.pinned = 0;
  }
  return before;
}

/** Where another is the oldest of its position now, what ended since it began is not known: it counts from now. */
export function afterOldest(sites: Sites, before: Map<Position, number>): void {
  for (const position of before.keys()) position.oldestStart = NativeNumber.POSITIVE_INFINITY;
  for (const { position, oldestStart } of sites.all()) {
    if (oldestStart < position.oldestStart) position.oldestStart = oldestStart;
  }
  for (const [position, start] of before) if (position.oldestStart !== start) position.endedSinceOldest = 0;
}

interface Column {
  column: number;
  /** From V8, for a waiting call: the position of the `await`, left of the operand that is reported while it runs. */
  waits: boolean;
  position: Position;
  paired: boolean;
}

/** Positions by the first frame of the application; an `await` and its operand are one. */
function createPositions() {
  const byLine = new NativeMap<string, Column[]>();
  return {
    of(sort: string, frames: RawFrame[]): Position {
      const [name, url, line, column = 0, awaits] = frames.find((frame) => !isNodes(frame)) ?? [];
      const key = `${sort} ${url}:${line} ${name}`;
      const columns = byLine.get(key) ?? [];
      byLine.set(key, columns);
      const waits = awaits === 1;
      const same = columns.find((other) => other.column === column && other.waits === waits);
      if (same) return same.position;
      const sign = waits ? 1 : -1;
      const [other] = columns
        .filter((one) => one.waits !== waits && !one.paired && (one.column - column) * sign >= 0)
        .sort((a, b) => (a.column - b.column) * sign);
      const position = other?.position ?? {
        oldestStart: NativeNumber.POSITIVE_INFINITY,
        durations: noDurations(),
        endedSinceOldest: 0,
      };
      if (other) other.paired = true;
      columns.push({ column, waits, position, paired: other !== undefined });
      return position;
    },
  };
}
