import { EventEmitter, getEventListeners } from 'node:events';
import { readStack, type TakenStack, takeStack } from '../agent/stack.ts';
import { belowHooks, isNodes } from '../agent/tracking/sites.ts';
import { type Arguments, wrapMethod } from '../agent/tracking/wrap.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';

const FRAMES = 16;
const ADDING = new Set(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener']);

/** The methods of an emitter that all other ones use to add listeners. */
const ADDED_BY = ['on', 'addListener', 'prependListener'];

/** What `events.once` listens for in addition to the event that it waits for. */
const ONCE_BESIDE = new Set<string | symbol>(['error', 'abort']);

export interface FollowedListener {
  startMs: number;
  target: WeakRef<object>;
  event: string | symbol;
  listener: WeakRef<object>;
  taken: TakenStack;
  frames: RawFrame[] | null;
}

export interface ListenerHolder {
  listeners: Set<FollowedListener>;
  untracked: number;
}

/**
 * Follows listeners that a scope adds to emitters and event targets older than the scope: listeners on what it
 * made itself are freed with it.
 */
export class FollowedListeners<H extends ListenerHolder> {
  readonly #currentHolders: () => readonly H[] | null;
  readonly #maxListeners: number;
  readonly #onEmitter: (emitter: object, holders: readonly H[]) => void;
  readonly #madeIn = new WeakMap<object, readonly H[]>();
  readonly #restore: (() => void)[];

  constructor(
    currentHolders: () => readonly H[] | null,
    maxListeners: number,
    onEmitter: (emitter: object, holders: readonly H[]) => void,
  ) {
    this.#currentHolders = currentHolders;
    this.#maxListeners = maxListeners;
    this.#onEmitter = onEmitter;
    const emitter = EventEmitter.prototype as object;
    this.#restore = [
      ...differentMethods(emitter, ADDED_BY).map((name) => wrapMethod(emitter, name, this.#added)),
      wrapMethod(EventTarget.prototype, 'addEventListener', this.#added),
      wrapMethod(EventEmitter, 'init', this.#made),
    ];
  }

  /** Called for resources that are event targets, such as message ports. */
  noteMade(target: object | undefined, holders: readonly H[]): void {
    if (target instanceof EventTarget) this.#madeIn.set(target, holders);
  }

  /** The stack of a listener that is still there, or null if it is not the application's. */
  leftFrames(one: FollowedListener): RawFrame[] | null {
    if (!isAttached(one)) return null;
    const frames = framesOf(one);
    return frames[0] && !isNodes(frames[0]) ? frames : null;
  }

  /** The stack of a listener by which `events.once` waits; null for others. */
  onceFrames(one: FollowedListener): RawFrame[] | null {
    if (ONCE_BESIDE.has(one.event) || !isAttached(one)) return null;
    const frames = framesOf(one);
    const own = frames.findIndex((frame) => !isNodes(frame));
    const [name, url] = frames[own - 1] ?? [];
    return name === 'once' && url === 'node:events' ? frames.slice(own) : null;
  }

  stop(): void {
    for (const undo of this.#restore) undo();
  }

  readonly #made = (self: unknown): void => {
    const holders = this.#currentHolders();
    if (!holders || typeof self !== 'object' || self === null) return;
    this.#madeIn.set(self, holders);
    this.#onEmitter(self, holders);
  };

  readonly #added = (target: unknown, { 0: event, 1: listener }: Arguments): void => {
    const holders = this.#currentHolders();
    if (!holders || typeof target !== 'object' || target === null) return;
    if ((typeof listener !== 'function' && typeof listener !== 'object') || listener === null) return;
    const makers = this.#madeIn.get(target) ?? [];
    const strangers = holders.filter((holder) => !makers.includes(holder));
    if (strangers.length === 0) return;
    const one: FollowedListener = {
      startMs: monotonicMs(),
      target: new WeakRef(target),
      event: typeof event === 'symbol' ? event : String(event),
      listener: new WeakRef(listener),
      taken: takeStack(FRAMES),
      frames: null,
    };
    for (const holder of strangers) {
      if (holder.listeners.size >= this.#maxListeners) prune(holder);
      if (holder.listeners.size < this.#maxListeners) holder.listeners.add(one);
      else holder.untracked++;
    }
  };
}

/** A method with several names is wrapped under all of them: `on` is `addListener`, unless the program has replaced one. */
function differentMethods(holder: object, names: readonly string[]): readonly string[] {
  const functions = names.map((name) => (holder as Record<string, unknown>)[name]);
  return names.filter((_name, i) => functions.indexOf(functions[i]) === i);
}

function framesOf(one: FollowedListener): RawFrame[] {
  one.frames ??= belowAdding(belowHooks(readStack(one.taken)));
  return one.frames;
}

/** Without Node's own frames through which `once` and streams add a listener. */
function belowAdding(frames: RawFrame[]): RawFrame[] {
  const first = frames.findIndex((frame) => !isNodes(frame) || !ADDING.has(frame[0].split('.').at(-1) ?? ''));
  return first < 0 ? [] : frames.slice(first);
}

function prune(holder: ListenerHolder): void {
  for (const one of holder.listeners) if (!isAttached(one)) holder.listeners.delete(one);
}

/** Without running the application's code: an emitter's list is its own property. */
function isAttached({ target: targetRef, event, listener: listenerRef }: FollowedListener): boolean {
  const target = targetRef.deref();
  const listener = listenerRef.deref();
  if (!target || !listener) return false;
  if (target instanceof EventTarget) return getEventListeners(target, event as string).includes(listener as () => void);
  const listeners = (target as { _events?: Record<string | symbol, unknown> })._events?.[event];
  const all = Array.isArray(listeners) ? listeners : listeners ? [listeners] : [];
  return all.some((one) => one === listener || (one as { listener?: unknown }).listener === listener);
}
