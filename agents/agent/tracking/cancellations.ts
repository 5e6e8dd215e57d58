import { AsyncLocalStorage } from 'node:async_hooks';
import type { Sensor } from '../../guard.ts';
import {
  apply,
  getOwnPropertyDescriptor,
  monotonicMs,
  NativeSet,
  NativeWeakMap,
  NativeWeakRef,
} from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawAborted, RawLeftover } from '../../tracked.ts';
import { nodesGlobal } from '../nodes-globals.ts';
import { noteOwnStorage } from '../own-hooks.ts';
import { addOwnStorage } from '../work/own-storages.ts';
import type { FollowedHandle } from './handle-state.ts';
import { isDue, isReferenced } from './handle-state.ts';
import { currentFrames, isNodes } from './sites.ts';
import { type Switch, switchGetter, switchMethod } from './wrap.ts';

/** What is still there this long after the abort is left over. */
const GRACE_MS = 1000;
/** Signals followed at a time, and what is kept of each. */
const MAX_SCOPES = 500;
const MAX_HANDLES = 50;
const MAX_TOUCHES = 40;
const MAX_ANCESTORS = 4;
const FRAMES = 8;

/** A unit of work that was given a signal: what it makes from then on belongs to it. */
interface Scope {
  signal: WeakRef<AbortSignal>;
  startMs: number;
  frames: RawFrame[];
  handles: Set<FollowedHandle>;
  parents: Scope[];
  abortedMs: number | null;
  abortFrames: RawFrame[] | null;
  /** Functions that used the signal, "name url". */
  touches: Set<string>;
}

/**
 * Follows what is made on behalf of an AbortSignal, and reports what is still there a second after the abort.
 *
 * A scope begins where the application first takes the signal from its controller (to hand it to an operation); an
 * AsyncLocalStorage carries it to everything that is started from there.
 */
export class FollowedCancellations {
  readonly #storage = new AsyncLocalStorage<Scope>();
  readonly #bySignal = new NativeWeakMap<AbortSignal, Scope>();
  readonly #scopes = new NativeSet<Scope>();
  readonly #switches: Switch[];
  #aborts = 0;
  #carries = false;

  constructor(sensor: Sensor) {
    noteOwnStorage(this.#storage);
    this.#switches = this.#switchesFor(nodesGlobal('AbortController'), nodesGlobal('AbortSignal'), sensor);
    addOwnStorage(this.#storage);
    this.resume();
  }

  /** None in a program that has removed these globals. */
  #switchesFor(
    Controller: typeof AbortController | undefined,
    Signal: typeof AbortSignal | undefined,
    sensor: Sensor,
  ): Switch[] {
    if (!Controller || !Signal) return [];
    const { prototype: controllers } = Controller;
    const { prototype: signals } = Signal;
    const signalOf = getOwnPropertyDescriptor(controllers, 'signal')!.get!;
    const onAbort = (controller: unknown): void => {
      const scope = this.#bySignal.get(apply(signalOf, controller, []) as AbortSignal);
      if (scope) this.#abort(scope, ownFrames(currentFrames()));
    };
    const isFollowed = (self: object): boolean => this.#bySignal.has(self as AbortSignal);
    return [
      switchGetter(controllers, 'signal', this.#open, undefined, sensor),
      switchGetter(signals, 'aborted', this.touch as (self: object) => void, isFollowed, sensor),
      switchMethod(controllers, 'abort', onAbort, undefined, sensor),
      switchMethod(signals, 'throwIfAborted', this.touch as (self: unknown) => void, undefined, sensor),
    ];
  }

  /** Follows signals from now on. */
  resume(): void {
    for (const one of this.#switches) one.on();
  }

  /** The unit of work that runs. */
  current(): unknown {
    return this.#storage.getStore();
  }

  /** The signal is used. */
  readonly touch = (signal: AbortSignal): void => {
    const scope = this.#bySignal.get(signal);
    if (!scope || scope.touches.size >= MAX_TOUCHES) return;
    for (const frame of ownFrames(currentFrames())) scope.touches.add(functionOf(frame));
  };

  add(handle: FollowedHandle): void {
    const scope = handle.scope as Scope;
    for (const one of [scope, ...scope.parents]) {
      if (one.abortedMs === null && one.handles.size < MAX_HANDLES) one.handles.add(handle);
    }
  }

  /** An AsyncLocalStorage is in use: where Node carries it by hooks, each promise pays for it. */
  isCarrying(): boolean {
    return this.#carries;
  }

  aborts(): number {
    return this.#aborts;
  }

  /** What is left over of each signal that was aborted long enough ago; once. */
  check(isAlive: (handle: FollowedHandle) => boolean): RawAborted[] {
    const reported: RawAborted[] = [];
    const now = monotonicMs();
    for (const scope of this.#scopes) {
      for (const handle of scope.handles) if (!isAlive(handle)) scope.handles.delete(handle);
      const signal = scope.signal.deref();
      if (signal?.aborted) this.#abort(scope, null);
      const isOver = scope.abortedMs === null ? !signal : now - scope.abortedMs >= GRACE_MS;
      if (!isOver) continue;
      this.#scopes.delete(scope);
      const aborted = leftOver(scope, now);
      if (aborted) reported.push(aborted);
    }
    return reported;
  }

  /** Follows none from now on: what is made for a signal and destroyed would not be seen. */
  stop(): void {
    for (const one of this.#switches) one.off();
    this.#storage.disable();
    this.#carries = false;
    this.#scopes.clear();
  }

  readonly #open = (signal: AbortSignal): void => {
    if (this.#bySignal.has(signal) || this.#scopes.size >= MAX_SCOPES || signal.aborted) return;
    const all = currentFrames();
    // Node's own modules and packages use controllers for themselves.
    if (!all[0] || isNodes(all[0]) || all[0][1]?.includes('/node_modules/')) return;
    const frames = ownFrames(all);
    const parent = this.#storage.getStore();
    const scope: Scope = {
      signal: new NativeWeakRef(signal),
      startMs: monotonicMs(),
      frames,
      handles: new NativeSet(),
      parents: parent ? [parent, ...parent.parents].slice(0, MAX_ANCESTORS) : [],
      abortedMs: null,
      abortFrames: null,
      touches: new NativeSet(),
    };
    this.#bySignal.set(signal, scope);
    this.#scopes.add(scope);
    this.#storage.enterWith(scope);
    this.#carries = true;
  };

  #abort(scope: Scope, frames: RawFrame[] | null): void {
    if (scope.abortedMs !== null) return;
    this.#aborts++;
    scope.abortedMs = monotonicMs();
    scope.abortFrames = frames;
  }
}

/** What of the work is still there after the abort; null if nothing is. */
function leftOver(scope: Scope, now: number): RawAborted | null {
  if (scope.abortedMs === null) return null;
  const leftovers = [...scope.handles]
    .filter((handle) => isLeftover(handle) && !isDue(handle, now))
    .map((handle) => toLeftover(scope, handle, now));
  if (leftovers.length === 0) return null;
  return { sinceMs: now - scope.abortedMs, abortedAt: scope.abortFrames, scope: scope.frames, leftovers };
}

/** Requests end by themselves; servers and what pools keep are not the operation's. */
function isLeftover({ site: { type, frames } }: FollowedHandle): boolean {
  if (type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP' || type.endsWith('REQ') || type.startsWith('FSREQ'))
    return false;
  if (type.endsWith('REQWRAP') || type === 'HTTPCLIENTREQUEST' || type === 'MESSAGEPORT') return false;
  return !frames.some(([, url]) => url !== null && (url.includes('undici') || url === 'node:_http_agent'));
}

function toLeftover(scope: Scope, handle: FollowedHandle, now: number): RawLeftover {
  const { site, startMs } = handle;
  const owner = new NativeSet(scope.frames.map(functionOf));
  const made = site.frames.filter((frame) => !isNodes(frame)).map(functionOf);
  return {
    type: site.type,
    frames: site.frames,
    referenced: isReferenced(handle),
    ageMs: now - startMs,
    linked: made.some((name) => scope.touches.has(name) && !owner.has(name)),
  };
}

function ownFrames(frames: RawFrame[]): RawFrame[] {
  return frames.filter((frame) => !isNodes(frame)).slice(0, FRAMES);
}

function functionOf([name, url]: RawFrame): string {
  return `${name} ${url}`;
}
