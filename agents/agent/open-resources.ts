import { type OwnSession, withOwnSession } from '../../src/async-dump/own-session.ts';
import type { OpenHandles, OpenResources, RawTimers } from '../../src/protocol/open-resources.ts';
import {
  apply,
  clearTimeout,
  getOwnPropertyDescriptor,
  getOwnPropertySymbols,
  getPrototypeOf,
  max,
  monotonicMs,
  NativeError,
  NativeMap,
  NativeNumber,
  NativeString,
  ownKeys,
  performance,
  process,
  round,
  setTimeout,
} from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { failedConnections } from './failed-connections.ts';

/** Most distinct timers and handles that are listed. */
const MAX_DISTINCT = 400;
/** Urls of scripts that are remembered. */
const MAX_SCRIPTS = 20_000;
/** With more, V8 would block the thread for a tenth of a second to report them all. */
const MAX_PARSED = 500;
/** The place of a function costs 0.1 ms. */
const MAX_PLACES = 300;
const MAX_TIMERS = 200_000;
const DETAIL_LIMIT = 200;
const PROTOTYPE_LIMIT = 8;

// Kept from before the application could replace them.
const startTimer = setTimeout;

type Bag = Record<PropertyKey, unknown>;
interface NodeInternals {
  _getActiveHandles?(): object[];
  _getActiveRequests?(): object[];
}
const { _getActiveHandles: activeHandles, _getActiveRequests: activeRequests } = process as unknown as NodeInternals;

/**
 * Timers and handles of this thread. No code of the application runs: own properties are read if they hold a plain
 * value, and the getters are Node's.
 */
export function openResources(): OpenResources {
  const handles = groupBy(
    [...call(activeHandles), ...call(activeRequests)].map(handleOf),
    ({ type, detail }) => `${type} ${detail}`,
  );
  const open = handles.slice(0, MAX_DISTINCT);
  const found: OpenResources = { timers: [], handles: open, failedConnections: failedConnections(), more: 0 };
  try {
    const timers = groupBy(withOwnSession(readTimers), timerKey, (all, { oldestMs }) => {
      all.oldestMs = max(all.oldestMs, oldestMs);
    });
    found.timers = timers.slice(0, MAX_DISTINCT);
    found.more = max(0, timers.length - MAX_DISTINCT);
  } catch (error) {
    found.problem = NativeString(error).slice(0, DETAIL_LIMIT);
  }
  found.more += max(0, handles.length - MAX_DISTINCT);
  return found;
}

function call(list: (() => object[]) | undefined): object[] {
  return list ? apply(list, process, []) : [];
}

/** Counts equal ones together, the most first. */
function groupBy<T extends { count: number }>(
  all: T[],
  keyOf: (one: T) => string,
  merge: (into: T, one: T) => void = () => {},
): T[] {
  const groups = new NativeMap<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (!group) groups.set(key, one);
    else {
      group.count += one.count;
      merge(group, one);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

/** Node keeps its timers in lists, one for each delay, in a variable that setTimeout can see. */
function readTimers(session: OwnSession): RawTimers[] {
  const lists = timerLists(session);
  const places = createPlaces(session);
  const nowMs = loopNowMs();
  const timers: RawTimers[] = [];
  for (const delay of ownKeys(lists)) {
    const list = read(lists, delay) as object;
    let timer = read(list, '_idlePrev');
    for (let i = 0; i < MAX_TIMERS && isObject(timer) && timer !== list; i++) {
      const found = timerOf(timer, nowMs, places);
      if (found) timers.push(found);
      timer = read(timer, '_idlePrev');
    }
  }
  return timers;
}

function timerLists(session: OwnSession): object {
  const { internalProperties } = session.post('Runtime.getProperties', { objectId: session.handleOf(startTimer) });
  const scopes = named(internalProperties, '[[Scopes]]');
  if (!scopes) throw new NativeError('the timers of this Node are not where they are looked for');
  const { result } = session.post('Runtime.getProperties', { objectId: scopes, ownProperties: true });
  for (const { value } of result as { value?: { objectId?: string } }[]) {
    if (!value?.objectId) continue;
    const scope = session.post('Runtime.getProperties', { objectId: value.objectId, ownProperties: true });
    const lists = named(scope.result, 'timerListMap');
    if (lists) return session.valueOf(lists) as object;
  }
  throw new NativeError('the timers of this Node are not where they are looked for');
}

function named(properties: unknown, name: string): string | undefined {
  const list = (properties ?? []) as { name: string; value?: { objectId?: string } }[];
  return list.find((property) => property.name === name)?.value?.objectId;
}

type Places = (callback: object) => RawFrame | null;

/** Where functions begin. */
function createPlaces(session: OwnSession): Places {
  const known = new NativeMap<object, RawFrame | null>();
  // Each source is read once, the cheap one first.
  let read = 0;
  const urlOf = (scriptId: string): string | undefined => {
    while (!scripts.has(scriptId) && read < 2) {
      if (read++ === 0) readScripts(session);
      else readParsedScripts(session);
    }
    return scripts.get(scriptId);
  };
  return (callback) => {
    let frame = known.get(callback);
    if (frame === undefined) {
      frame = known.size < MAX_PLACES ? placeOf(session, callback, urlOf) : null;
      known.set(callback, frame);
    }
    return frame;
  };
}

function placeOf(
  session: OwnSession,
  callback: object,
  urlOf: (scriptId: string) => string | undefined,
): RawFrame | null {
  const { internalProperties } = session.post('Runtime.getProperties', {
    objectId: session.handleOf(callback),
    ownProperties: true,
  });
  const list = (internalProperties ?? []) as { name: string; value?: { value?: unknown } }[];
  const at = list.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
    | { scriptId: string; lineNumber: number; columnNumber: number }
    | undefined;
  const url = at && urlOf(at.scriptId);
  return at && url ? [nameOf(callback), url, at.lineNumber + 1, at.columnNumber + 1] : null;
}

/** The urls of scripts by id; known ones are kept, because V8 forgets at a collection what ran only once. */
const scripts = new NativeMap<string, string>();

/** To be called before the collection that begins a dump, if there was no dump before. */
export function rememberScripts(): void {
  if (scripts.size === 0) withOwnSession(readScripts);
}

/** By V8's coverage counts: the Debugger domain stays off. */
function readScripts(session: OwnSession): void {
  session.post('Profiler.enable');
  const { result } = session.post('Profiler.getBestEffortCoverage');
  for (const { scriptId, url } of result as { scriptId: string; url: string }[]) {
    if (scripts.size < MAX_SCRIPTS) scripts.set(scriptId, url);
  }
  session.post('Profiler.disable');
}

/** All of them, as an attaching debugger gets them: this takes 0.2 ms for each, so only if V8 has forgotten one and they are not many. */
function readParsedScripts(session: OwnSession): void {
  if (scripts.size > MAX_PARSED) return;
  const parsed = session.eventsOf('Debugger.enable', 'Debugger.scriptParsed') as { scriptId: string; url: string }[];
  session.post('Debugger.disable');
  for (const { scriptId, url } of parsed) if (scripts.size < MAX_SCRIPTS) scripts.set(scriptId, url);
}

/** The loop's clock, as timers have it; it does not advance while the loop is blocked. */
function loopNowMs(): number {
  const probe = startTimer(() => {}, 2 ** 30);
  const startedAt = NativeNumber(read(probe, '_idleStart'));
  clearTimeout(probe);
  return max(startedAt, monotonicMs() - performance.nodeTiming.environment);
}

function timerOf(timer: object, nowMs: number, places: Places): RawTimers | null {
  const callback = read(timer, '_onTimeout');
  if (typeof callback !== 'function') return null;
  const place = places(callback);
  if (place?.[1]?.endsWith(__filename)) return null;
  const repeat = read(timer, '_repeat');
  return {
    count: 1,
    callback: place ?? [nameOf(callback), null, 0, 0],
    delayMs: NativeNumber(read(timer, '_idleTimeout')),
    oldestMs: max(0, round(nowMs - NativeNumber(read(timer, '_idleStart')))),
    repeats: repeat !== null && repeat !== undefined,
    ref: symbolValue(timer, 'refed') !== false,
  };
}

function timerKey({ callback, delayMs, repeats, ref }: RawTimers): string {
  return `${callback.join('|')} ${delayMs} ${repeats} ${ref}`;
}

function handleOf(handle: object): OpenHandles {
  return { count: 1, type: classOf(handle), detail: detailOf(handle).slice(0, DETAIL_LIMIT) };
}

/** The identity of a handle, found in the same way for a socket, a server, a child, a file or a look-up. */
function detailOf(handle: object): string {
  const pid = read(handle, 'pid');
  if (typeof pid === 'number') return `pid ${pid} ${textOf(read(handle, 'spawnfile'))}`.trim();
  const remote = socketAddress(handle, 'getpeername');
  const local = socketAddress(handle, 'getsockname');
  if (remote) return `${local} → ${remote}`;
  if (local) return local;
  const hostname = textOf(read(handle, 'hostname') ?? read(handle, 'address'));
  if (hostname) return `${hostname}${portOf(handle)}`;
  const fd = read(handle, 'fd') ?? read((read(handle, '_handle') ?? {}) as object, 'fd');
  const path = textOf(read(handle, 'path') ?? read(handle, 'pipeName') ?? read(handle, '_pipeName'));
  return path || (typeof fd === 'number' ? `fd ${fd}` : '');
}

function portOf(handle: object): string {
  const port = read(handle, 'port');
  return typeof port === 'number' ? `:${port}` : '';
}

/** Asks libuv's handle, through the method of its native class. */
function socketAddress(handle: object, method: 'getpeername' | 'getsockname'): string {
  const native = read(handle, '_handle') ?? symbolValue(handle, 'kHandle') ?? handle;
  if (!isObject(native)) return '';
  for (let proto = getPrototypeOf(native), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    const ask = read(proto, method);
    if (typeof ask !== 'function') continue;
    const address: Bag = {};
    try {
      apply(ask, native, [address]);
    } catch {
      return '';
    }
    if (typeof address.port !== 'number') return '';
    return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }
  return '';
}

/** The name of the class, from its prototype. */
function classOf(object: object): string {
  for (let proto = getPrototypeOf(object), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    const made = read(proto, 'constructor');
    if (typeof made === 'function') return nameOf(made) || 'Object';
  }
  return 'Object';
}

function nameOf(made: object): string {
  return textOf(read(made, 'name'));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, DETAIL_LIMIT) : '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The value of an own property whose key is Node's symbol of that name. */
function symbolValue(object: object, name: string): unknown {
  const symbol = getOwnPropertySymbols(object).find(({ description }) => description === name);
  return symbol && read(object, symbol);
}

/** An own property that holds a value: getters are not called. */
function read(object: object, key: PropertyKey): unknown {
  return getOwnPropertyDescriptor(object, key)?.value;
}
