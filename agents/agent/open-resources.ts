import { type OwnSession, withOwnSession } from '../../src/async-dump/own-session.ts';
import type { OpenHandles, OpenResources, RawTimers } from '../../src/protocol/open-resources.ts';
import {
  apply,
  clearTimeout,
  max,
  monotonicMs,
  NativeMap,
  NativeNumber,
  NativeString,
  performance,
  process,
  round,
  setTimeout,
} from '../primordials.ts';
import { failedConnections } from './failed-connections.ts';
import { classOf, nameOf, read, socketAddress, symbolValue, textOf } from './plain-values.ts';
import { allTimers, createPlaces, type Places } from './timers-in-place.ts';

export { rememberScripts } from './timers-in-place.ts';

/** Most distinct timers and handles that are listed. */
const MAX_DISTINCT = 400;
const DETAIL_LIMIT = 200;

// Kept from before the application could replace them.
const startTimer = setTimeout;

interface NodeInternals {
  _getActiveHandles?(): object[];
  _getActiveRequests?(): object[];
}
export const { _getActiveHandles: activeHandles, _getActiveRequests: activeRequests } =
  process as unknown as NodeInternals;

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

export function call(list: (() => object[]) | undefined): object[] {
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
  const places = createPlaces(session);
  const nowMs = loopNowMs();
  const timers: RawTimers[] = [];
  for (const timer of allTimers(session)) {
    const found = timerOf(timer, nowMs, places);
    if (found) timers.push(found);
  }
  return timers;
}

/** The loop's clock, as timers have it; it does not advance while the loop is blocked. */
export function loopNowMs(): number {
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
