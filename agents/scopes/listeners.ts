import { EventEmitter, getEventListeners } from 'node:events';
import { readStack, type TakenStack, takeStack } from '../agent/stack.ts';
import { belowHooks, isNodes } from '../agent/tracking/sites.ts';
import { type Arguments, wrapMethod } from '../agent/tracking/wrap.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';

const FRAMES = 16;
const ADDING = new Set(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener']);

/** What `events.once` listens for beside the event that it waits for. */
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
 * Follows listeners that a scope adds to emitters and event targets which are older than the scope: those of what it
 * made itself go with it.
 */
export function followListeners<H extends ListenerHolder>(
  currentHolders: () => readonly H[] | null,
  maxListeners: number,
  onEmitter: (emitter: object, holders: readonly H[]) => void,
) {
  const madeIn = new WeakMap<object, readonly H[]>();

  const added = (target: unknown, args: Arguments): void => {
    const holders = currentHolders();
    const { 0: event, 1: listener } = args;
    if (!holders || typeof target !== 'object' || target === null) return;
    if ((typeof listener !== 'function' && typeof listener !== 'object') || listener === null) return;
    const makers = madeIn.get(target) ?? [];
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
      if (holder.listeners.size >= maxListeners) prune(holder);
      if (holder.listeners.size < maxListeners) holder.listeners.add(one);
      else holder.untracked++;
    }
  };
  const made = (self: unknown): void => {
    const holders = currentHolders();
    if (!holders || typeof self !== 'object' || self === null) return;
    madeIn.set(self, holders);
    onEmitter(self, holders);
  };
  const emitter = EventEmitter.prototype as object;
  const restore = [
    ...['on', 'addListener', 'prependListener'].map((name) => wrapMethod(emitter, name, added)),
    wrapMethod(EventTarget.prototype, 'addEventListener', added),
    wrapMethod(EventEmitter, 'init', made),
  ];

  return {
    /** To be told of resources that are event targets, as message ports are. */
    noteMade(target: object | undefined, holders: readonly H[]): void {
      if (target instanceof EventTarget) madeIn.set(target, holders);
    },
    /** The stack of a listener that is still there, or null where it is none of the application's. */
    leftFrames(one: FollowedListener): RawFrame[] | null {
      if (!isAttached(one)) return null;
      const frames = framesOf(one);
      return frames[0] && !isNodes(frames[0]) ? frames : null;
    },
    /** The stack of a listener by which `events.once` waits; null for others. */
    onceFrames(one: FollowedListener): RawFrame[] | null {
      if (ONCE_BESIDE.has(one.event) || !isAttached(one)) return null;
      const frames = framesOf(one);
      const own = frames.findIndex((frame) => !isNodes(frame));
      const [name, url] = frames[own - 1] ?? [];
      return name === 'once' && url === 'node:events' ? frames.slice(own) : null;
    },
    stop(): void {
      for (const undo of restore) undo();
    },
  };
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
