import { type OwnSession, withOwnSession } from '../../../src/async-dump/own-session.ts';
import type { RawHandleSite } from '../../../src/protocol/thread-api.ts';
import type { RawAlive, RawWhy } from '../../../src/protocol/why-parts.ts';
import { builtIn } from '../../built-in.ts';
import { isArray, max, monotonicMs, NativeMap, NativeNumber, NativeString, round } from '../../primordials.ts';
import { activeHandles, activeRequests, call } from '../open-resources.ts';
import { isOwn } from '../own-resources.ts';
import { isObject, read, symbolValue } from '../plain-values.ts';
import { allTimers, createPlaces, type Places } from '../timers-in-place.ts';
import type { Origins, ReadOrigin } from './origins.ts';
import { asyncIdOf, openThings, requestThing, type Thing } from './things.ts';

/** Looked at one by one, at some 50 µs each. */
const MAX_LOOKED = 2000;
/** Different ones that are listed. */
const MAX_DISTINCT = 200;
const MAX_CALLS = 4;
const PROBLEM_LIMIT = 200;

interface KnownOrigins {
  /** With EVDIAG_WHY. */
  origins: Origins | null;
  /** What tracking knows of an async resource, by its number. */
  siteOf(id: number): Pick<RawHandleSite, 'frames' | 'ageMs'> | null;
}

/** What keeps the loop of this thread going: timers and handles that are referenced, and operations in progress. None of the program's code runs. */
export function whatKeepsAlive(known: KnownOrigins): RawWhy {
  const requests = call(activeRequests);
  const things = [...openThings(call(activeHandles), requests), ...unlisted(known.origins, requests)];
  const found: RawWhy = { things: [], more: 0, followed: known.origins !== null };
  try {
    found.more = withOwnSession((session) => {
      const all = [...things, ...timersOf(session)];
      found.things = grouped(all.slice(0, MAX_LOOKED), known, createPlaces(session));
      return max(0, all.length - MAX_LOOKED);
    });
  } catch (error) {
    found.problem = NativeString(error).slice(0, PROBLEM_LIMIT);
    found.things = grouped(things.slice(0, MAX_LOOKED), known, () => null);
  }
  if (found.things.length > MAX_DISTINCT) {
    for (let i = MAX_DISTINCT; i < found.things.length; i++) found.more += found.things[i]!.count;
    found.things.length = MAX_DISTINCT;
  }
  return found;
}

/** Operations that Node's lists do not have. */
function unlisted(origins: Origins | null, requests: readonly object[]): Thing[] {
  const things: Thing[] = [];
  for (const { type, resource } of origins?.pending() ?? []) {
    if (!requests.includes(resource)) things.push(requestThing(type, resource));
  }
  return things;
}

function timersOf(session: OwnSession): Thing[] {
  const things: Thing[] = [];
  for (const timer of allTimers(session)) {
    const callback = read(timer, '_onTimeout');
    if (typeof callback !== 'function' || isOwn(timer) || symbolValue(timer, 'refed') !== true) continue;
    const repeat = read(timer, '_repeat');
    const sort = repeat !== null && repeat !== undefined ? 'interval' : 'timer';
    const delayMs = NativeNumber(read(timer, '_idleTimeout'));
    const callbacks = [{ event: 'callback', callback }];
    things.push({ kind: 'timer', what: `${sort} of ${spanText(delayMs)}`, objects: [timer], callbacks });
  }
  return things;
}

function spanText(ms: number): string {
  return ms < 1000 || ms % 100 !== 0 ? `${ms} ms` : `${ms / 1000} s`;
}

/** Equal ones together, the most first. */
function grouped(things: readonly Thing[], known: KnownOrigins, places: Places): RawAlive[] {
  const groups = new NativeMap<string, RawAlive>();
  for (const thing of things) {
    const { kind, what } = thing;
    const origin = originOf(thing, known);
    const calls = callsOf(thing, places);
    const made = origin?.made ?? [];
    const steps = origin?.steps ?? [];
    const key = [kind, what, ...made, '|', ...steps.flat(), '|', ...calls.map(({ place }) => place)].join(' ');
    const ageMs = origin ? max(0, round(monotonicMs() - origin.startMs)) : null;
    const group = groups.get(key);
    if (!group) groups.set(key, { kind, what, count: 1, ageMs, made, steps, calls });
    else {
      group.count++;
      group.ageMs = ageMs === null ? group.ageMs : max(group.ageMs ?? 0, ageMs);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function originOf({ objects }: Thing, { origins, siteOf }: KnownOrigins): ReadOrigin | null {
  const read = origins?.read(objects);
  if (read) return read;
  for (const object of objects) {
    const id = asyncIdOf(object);
    const site = id === null ? null : siteOf(id);
    if (site) return { made: site.frames, steps: [], startMs: monotonicMs() - site.ageMs };
  }
  return null;
}

/** Functions of the program, by what they are called for. */
function callsOf({ objects, emitters = [objects[0]!], callbacks = [] }: Thing, places: Places): RawAlive['calls'] {
  const calls: RawAlive['calls'] = [];
  const all = [...callbacks, ...emitters.flatMap(listenersOf)];
  for (let i = 0; i < all.length && calls.length < MAX_CALLS; i++) {
    const { event, callback } = all[i]!;
    const place = places(callback);
    if (place?.[1] && !place[1].startsWith('node:') && place[1] !== __filename) calls.push({ event, place });
  }
  return calls;
}

function listenersOf(owner: object): { event: string; callback: object }[] {
  const found: { event: string; callback: object }[] = [];
  const events = read(owner, '_events');
  if (isObject(events)) {
    for (const event in events) {
      const value = read(events, event);
      for (const one of isArray(value) ? value : [value]) addListener(found, event, one);
    }
  } else if (isObject(symbolValue(owner, 'kEvents'))) {
    const { getEventListeners } = builtIn<typeof import('node:events')>('events')!;
    for (const one of getEventListeners(owner as EventTarget, 'message')) addListener(found, 'message', one);
  }
  return found;
}

/** What `once` wraps is the program's. */
function addListener(found: { event: string; callback: object }[], event: string, value: unknown): void {
  if (typeof value !== 'function') return;
  const inner = read(value, 'listener');
  found.push({ event, callback: typeof inner === 'function' ? inner : value });
}
