/**
 * The async hooks that the program has put in, and each AsyncLocalStorage in use where Node carries them by such a hook (20 and 22):
 * every promise and every callback pays for them. Who did that is seen when it happens, as Node has no list of it.
 */
import type { AsyncHook, AsyncLocalStorage } from 'node:async_hooks';
import type { RawProgramHooks } from '../../src/protocol/thread-api.ts';
import { builtIn } from '../built-in.ts';
import { createSensor, isOff } from '../guard.ts';
import { apply, getOwnPropertySymbols, getPrototypeOf, NativeMap } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { replaceUntilLeft } from './leaving.ts';
import { isOwnHook, ownStoragesInUse } from './own-hooks.ts';
import { type AnyFunction, like } from './replace.ts';
import { toFrame, urlOf, withCallSites } from './stack.ts';

/** Hooks and places that are kept: programs have one or two. */
const MAX_HOOKS = 16;
const MAX_PLACES = 24;
/** Frames that are read, as loading a module adds many of Node's; and those that are kept, none of them Node's. */
const READ_FRAMES = 64;
const FRAMES = 16;
/** A stack takes 10–20 µs: of the first storages, then of one in so many, as an attempt or a request may make one. */
const FIRST_PLACES = 16;
const PLACE_STRIDE = 61;
/** Where this bundle and that of the library are. */
const OWN_FOLDER = __filename.slice(0, -'agent.cjs'.length);

const sensor = createSensor('the async hooks of the program');

const hooks = new NativeMap<object, { callbacks: string[]; promises: boolean; frames: RawFrame[] }>();
const places = new NativeMap<string, { count: number; frames: RawFrame[] }>();
/** Node's own hook, which carries all storages. */
let storageHook: object | null = null;
let storages = 0;
let enabled = 0;

/** Follows who enables and disables hooks and storages from now on. */
export function watchProgramHooks(): void {
  const module = builtIn<typeof import('node:async_hooks')>('async_hooks')!;
  const prototype = getPrototypeOf(module.createHook({})) as Record<string, unknown>;
  follow(prototype, 'enable', onEnabled);
  follow(prototype, 'disable', (hook) => hooks.delete(hook));
  const storage = module.AsyncLocalStorage.prototype as unknown as Record<string, unknown>;
  // From Node 24 on V8 carries them, and there is nothing to enable.
  if (typeof storage._enable === 'function') follow(storage, 'disable', onStorageDisabled, true);
}

type Callback = (self: object, wrapper: AnyFunction) => void;

function follow(prototype: Record<string, unknown>, name: string, callback: Callback, before = false): void {
  const original = prototype[name] as AnyFunction;
  const call = (self: unknown): void => {
    try {
      if (!isOff(sensor)) callback(self as object, wrapper);
    } catch (error) {
      sensor.caught = { error };
    }
  };
  const wrapper = like(original, function markedCall(this: unknown): unknown {
    if (before) call(this);
    // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
    const result = apply(original, this, arguments);
    if (!before) call(this);
    return result;
  });
  replaceUntilLeft(prototype, name, original, wrapper);
}

function onEnabled(hook: object, below: AnyFunction): void {
  if (hook === storageHook) onStorageEnabled(below);
  else if (!isOwnHook(hook as AsyncHook) && !hooks.has(hook)) onNewHook(hook, below);
}

function onNewHook(hook: object, below: AnyFunction): void {
  const caller = callerOf(below);
  if (caller.isStorage) {
    storageHook = hook;
    onStorageEnabled(below);
  } else if (!caller.isOurs && hooks.size < MAX_HOOKS) {
    hooks.set(hook, { ...callbacksOf(hook as AsyncHook), frames: caller.frames });
  }
}

/** Node keeps them in properties of its own. */
function callbacksOf(hook: AsyncHook): { callbacks: string[]; promises: boolean } {
  const callbacks: string[] = [];
  let promises = true;
  for (const symbol of getOwnPropertySymbols(hook)) {
    const value = (hook as unknown as Record<symbol, unknown>)[symbol];
    const name = symbol.description ?? '';
    if (typeof value === 'function') callbacks[callbacks.length] = name;
    else if (value === true && name.includes('NoPromiseHook')) promises = false;
  }
  return { callbacks, promises };
}

function onStorageEnabled(below: AnyFunction): void {
  const nth = enabled++;
  storages++;
  if (nth >= FIRST_PLACES && nth % PLACE_STRIDE !== 0) return;
  const { frames, isOurs, isExit } = callerOf(below);
  // `exit` disables it for a call, and enables it again.
  if (isOurs || isExit) return;
  const key = frames.map(([, url, line, column]) => `${url}:${line}:${column}`).join(' ');
  const place = places.get(key);
  if (place) place.count++;
  else if (places.size < MAX_PLACES) places.set(key, { count: 1, frames });
}

function onStorageDisabled(storage: object): void {
  if ((storage as AsyncLocalStorage<unknown> & { enabled: boolean }).enabled && storages > 0) storages--;
}

interface Caller {
  /** None of Node's. */
  frames: RawFrame[];
  isOurs: boolean;
  isStorage: boolean;
  isExit: boolean;
}

function callerOf(below: AnyFunction): Caller {
  const caller = withCallSites(READ_FRAMES, below as (...args: never[]) => unknown, toCaller);
  return caller ?? { frames: [], isOurs: false, isStorage: false, isExit: false };
}

function toCaller(sites: NodeJS.CallSite[]): Caller {
  const first = sites.findIndex((site) => !isNodes(site));
  const nodes = (first < 0 ? sites : sites.slice(0, first)).map((site) => site.getFunctionName() ?? '');
  const theirs = sites.filter((site) => !isNodes(site));
  return {
    frames: theirs.slice(0, FRAMES).map(toFrame),
    isOurs: first >= 0 && urlOf(sites[first]!)?.startsWith(OWN_FOLDER) === true,
    isStorage: nodes[0]?.endsWith('_enable') === true,
    isExit: nodes.some((name) => name.endsWith('exit')),
  };
}

/** Built-ins of V8 count as Node's. */
function isNodes(site: NodeJS.CallSite): boolean {
  return urlOf(site)?.startsWith('node:') ?? true;
}

/** What is in place now; null if there is nothing. */
export function programHooks(): RawProgramHooks | null {
  const used = storages - ownStoragesInUse();
  if (used <= 0 && hooks.size === 0) return null;
  return { storages: used, storagePlaces: [...places.values()], hooks: [...hooks.values()] };
}
