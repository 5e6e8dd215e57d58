/** What a resource shows about itself, and the stack with which it was made. */
import type { RawHandleSite } from '../../../src/protocol/thread-api.ts';
import { getOwnPropertySymbols, monotonicMs, NativeNumber, NativeSet } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { isOwnStore } from '../work/own-storages.ts';
import { isNodes, type Started } from './sites.ts';

/** A resource that is followed; `scope` is the unit of work it belongs to. */
export interface FollowedHandle extends Started {
  id: number;
  ref: WeakRef<object>;
  scope: unknown;
}

/** Where something is made: by which code, and where that was started. */
export interface Maker {
  frames: RawFrame[];
  /** The operation whose answer is being handled. */
  opener: FollowedHandle | undefined;
}

/** "interval", or the delay with one significant digit: "30000 ms". */
export function spanOf(timer: object): string {
  const { _repeat, _idleTimeout } = timer as { _repeat?: unknown; _idleTimeout?: unknown };
  if (typeof _repeat === 'number') return 'interval';
  return typeof _idleTimeout === 'number' ? `${NativeNumber(_idleTimeout.toPrecision(1))} ms` : '';
}

/** Node reports these as destroyed when they are collected, long after they were closed. */
const COLLECTED_LATE = new NativeSet(['FILEHANDLE', 'ZLIB']);

/** The `fd` of a closed file is an error; a stream of compression that is done has let go of its handle. */
export function isClosed({ site: { type }, ref }: FollowedHandle): boolean {
  if (!COLLECTED_LATE.has(type)) return false;
  const handle = ref.deref();
  if (handle === undefined) return true;
  return type === 'ZLIB' ? isLetGo(handle) : NativeNumber((handle as { fd?: unknown }).fd) < 0;
}

function isLetGo(handle: object): boolean {
  const stream = symbolOf(handle, 'owner_symbol') as { _handle?: unknown } | null | undefined;
  return stream?._handle === null;
}

/** What Node keeps with an object of its own by a symbol of that name. */
export function symbolOf(object: object, name: string): unknown {
  const symbol = getOwnPropertySymbols(object).find(({ description }) => description === name);
  return symbol && (object as Record<symbol, unknown>)[symbol];
}

/** A timer that has fired is destroyed, and a handle that is closed keeps nothing alive. */
export function isStillThere(one: FollowedHandle): boolean {
  const resource = one.ref.deref() as { _destroyed?: unknown } | undefined;
  if (resource === undefined) return false;
  if (one.site.type === 'Timeout') return resource._destroyed === false;
  return COLLECTED_LATE.has(one.site.type) ? !isClosed(one) : isReferenced(one);
}

/** Whether it keeps the process alive; false for a resource without that method. */
export function isReferenced({ ref }: FollowedHandle): boolean {
  const resource = ref.deref() as { hasRef?: unknown } | undefined;
  if (typeof resource?.hasRef !== 'function') return false;
  try {
    return resource.hasRef() === true;
  } catch {
    return false;
  }
}

/** A timer that fires once, and would have by now: the thread was blocked, or had no core. */
export function isDue({ site: { type }, ref, startMs }: FollowedHandle, now: number): boolean {
  const timer = type === 'Timeout' ? (ref.deref() as { _repeat?: unknown; _idleTimeout?: unknown } | undefined) : null;
  return timer?._repeat === null && now - startMs >= NativeNumber(timer._idleTimeout);
}

/** Where it was made, as a dump shows it. */
export function siteOf(one: FollowedHandle): RawHandleSite {
  const { type, frames } = one.site;
  return { type, ageMs: monotonicMs() - one.startMs, ref: isReferenced(one), frames };
}

export function hasOwn(frames: RawFrame[]): boolean {
  return frames.some((frame) => !isNodes(frame));
}

/**
 * Made by a call that returns when it is done, as crypto.pbkdf2Sync or zlib.gzipSync: over by the time anybody looks,
 * though Node reports it as destroyed when it is collected.
 */
export function isSynchronous(frames: RawFrame[]): boolean {
  for (const frame of frames) {
    if (!isNodes(frame)) return false;
    if (frame[0]?.endsWith('Sync')) return true;
  }
  return false;
}

/** The kernel called, not the application. */
export function isFromOutside(frames: RawFrame[]): boolean {
  return frames.every(
    ([, url]) => url === null || url === 'node:net' || url.startsWith('node:_http') || url.startsWith('node:_tls'),
  );
}

/** Where AsyncLocalStorage keeps a store with a resource: a symbol for each storage until Node 22, a frame with all of them from 24 on. */
const STORES = new NativeSet(['kResourceStore', 'kAsyncContextFrame']);

/** What a request starts is mostly gone by then. */
const OLD_MS = 3000;

/** Counts whether it holds an object that whatever entered a context stored there; false if it is too young to look at. */
export function lookForStore(one: FollowedHandle, now: number): boolean {
  if (now - one.startMs < OLD_MS) return false;
  one.site.looked++;
  if (holdsStore(one)) one.site.pinned++;
  return true;
}

function holdsStore({ ref }: FollowedHandle): boolean {
  const resource = ref.deref();
  if (resource === undefined) return false;
  for (const symbol of getOwnPropertySymbols(resource)) {
    if (!STORES.has(symbol.description ?? '')) continue;
    const store = (resource as Record<symbol, unknown>)[symbol];
    if (typeof store === 'object' && store !== null && !isOwnStore(symbol, store)) return true;
  }
  return false;
}
