import { EventEmitter, getEventListeners } from 'node:events';
import type { Sensor } from '../../guard.ts';
import {
  isArray,
  max,
  min,
  monotonicMs,
  NativeEventTarget,
  NativeMap,
  NativeSet,
  NativeString,
  NativeWeakMap,
  NativeWeakRef,
} from '../../primordials.ts';
import { nodesGlobal } from '../nodes-globals.ts';
import { ownersFrames } from './owners-frames.ts';
import { isNodes, type Site, type Sites } from './sites.ts';
import { type Arguments, type Switch, switchMethod } from './wrap.ts';

/** Node warns from eleven on one emitter; fewer are no leak. */
const MANY = 12;
/** Stacks taken per second, and targets followed. */
const PER_SECOND = 100;
const MAX_TARGETS = 300;
const NAME_LIMIT = 60;

interface Target {
  ref: WeakRef<object>;
  event: string | symbol;
  site: Site;
  startMs: number;
  /** Something was added there since the last reading. */
  adds: boolean;
}

/** Follows the listeners of emitters, event targets and abort signals if one event has many of them. */
export class FollowedListeners {
  readonly #sites: Sites;
  readonly #onSignalListener: (signal: AbortSignal) => void;
  readonly #targets = new NativeSet<Target>();
  readonly #known = new NativeWeakMap<object, Map<string | symbol, Map<Site, Target>>>();
  readonly #added = new NativeWeakMap<object, number>();
  readonly #signals = nodesGlobal('AbortSignal');
  readonly #switches: Switch[];
  #budget = PER_SECOND;
  #calls = 0;

  constructor(sites: Sites, onSignalListener: (signal: AbortSignal) => void, sensor: Sensor) {
    this.#sites = sites;
    this.#onSignalListener = onSignalListener;
    const emitter = EventEmitter.prototype as object;
    this.#switches = [
      ...['on', 'prependListener'].map((name) => switchMethod(emitter, name, this.#onEmitter, undefined, sensor)),
      switchMethod(NativeEventTarget.prototype, 'addEventListener', this.#onTarget, undefined, sensor),
    ];
    this.resume();
  }

  /** Sees what is added from now on. */
  resume(): void {
    for (const one of this.#switches) one.on();
  }

  /** Sees nothing from now on; those that are known are counted still. */
  pause(): void {
    for (const one of this.#switches) one.off();
  }

  /** How many were added since the last call. */
  spent(): number {
    const calls = this.#calls;
    this.#calls = 0;
    return calls;
  }

  refill(intervalMs: number): void {
    this.#budget = min(PER_SECOND, this.#budget + (PER_SECOND * intervalMs) / 1000);
  }

  /** Counts the listeners that there are now. */
  check(): void {
    const now = monotonicMs();
    const biggest = new NativeMap<Site, number>();
    const idle = this.#idleSites();
    for (const target of this.#targets) {
      const object = target.ref.deref();
      const count = object ? countOf(object, target.event) : 0;
      if (count < MANY) this.#targets.delete(target);
      if (count < MANY && object) this.#known.get(object)?.get(target.event)?.delete(target.site);
      // Of several targets at one place, the one with the most.
      biggest.set(target.site, max(biggest.get(target.site) ?? 0, count));
      if (target.startMs < target.site.oldestStart) target.site.oldestStart = target.startMs;
    }
    for (const [site, count] of biggest) report(site, count, now, !idle.has(site));
  }

  /** At which nothing was added, though it was elsewhere: all count the listeners of their target, whoever adds them. */
  #idleSites(): Set<Site> {
    const adding = new NativeSet<Site>();
    const idle = new NativeSet<Site>();
    for (const target of this.#targets) {
      const object = target.ref.deref();
      const places = object && this.#known.get(object)?.get(target.event);
      if (target.adds) adding.add(target.site);
      else if (places && [...places.values()].some(({ adds }) => adds)) idle.add(target.site);
    }
    for (const target of this.#targets) target.adds = false;
    for (const site of adding) idle.delete(site);
    return idle;
  }

  stop(): void {
    this.pause();
    this.#targets.clear();
  }

  readonly #onEmitter = (self: unknown, { 0: event }: Arguments): void => {
    this.#calls++;
    const listeners = (self as { _events?: Record<string | symbol, unknown> } | null)?._events?.[event as string];
    if (isArray(listeners) && listeners.length >= MANY) this.#note(self as object, event as string, 'emitter');
  };

  readonly #onTarget = (self: unknown, { 0: event }: Arguments): void => {
    this.#calls++;
    if (typeof self !== 'object' || self === null) return;
    const isSignal = this.#signals !== undefined && self instanceof this.#signals;
    if (isSignal) this.#onSignalListener(self as AbortSignal);
    const count = (this.#added.get(self) ?? 0) + 1;
    this.#added.set(self, count);
    // The target is asked at most this often: its list is copied for that.
    if (count < MANY || (count % MANY !== 0 && this.#targets.size > 0)) return;
    const name = NativeString(event);
    if (countOf(self, name) >= MANY) this.#note(self, name, isSignal ? 'abort-signal' : 'event-target');
  };

  #note(target: object, event: string | symbol, type: string): void {
    if (this.#budget <= 0 || this.#targets.size >= MAX_TARGETS) return;
    this.#budget--;
    const frames = ownersFrames();
    if (!frames.some((frame) => !isNodes(frame))) return;
    const detail = `${className(target)} ${NativeString(event)}`.slice(0, NAME_LIMIT);
    const site = this.#sites.here('listener', type, detail, frames);
    if (!site) return;
    const places = this.#placesOf(target, event);
    const known = places.get(site);
    if (known) {
      known.adds = true;
      return;
    }
    const one = { ref: new NativeWeakRef(target), event, site, startMs: monotonicMs(), adds: true };
    places.set(site, one);
    this.#targets.add(one);
  }

  #placesOf(target: object, event: string | symbol): Map<Site, Target> {
    const events = this.#known.get(target) ?? new NativeMap<string | symbol, Map<Site, Target>>();
    this.#known.set(target, events);
    const places = events.get(event) ?? new NativeMap<Site, Target>();
    events.set(event, places);
    return places;
  }
}

function report(site: Site, count: number, now: number, adds: boolean): void {
  const more = count - site.alive;
  if (more > 0) site.created += adds ? more : 0;
  else site.ended -= more;
  if (more < 0) site.position.durations.maxMs = now - site.oldestStart;
  site.alive = count;
  site.followed = count;
  site.peak = max(site.peak, count);
  site.changed ||= more !== 0;
}

/** Without running the application's code: an emitter's list is its own property. */
function countOf(target: object, event: string | symbol): number {
  try {
    if (target instanceof NativeEventTarget) return getEventListeners(target, event as string).length;
    const listeners = (target as { _events?: Record<string | symbol, unknown> })._events?.[event];
    return isArray(listeners) ? listeners.length : listeners ? 1 : 0;
  } catch {
    return 0;
  }
}

function className(target: object): string {
  const name = (target.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : 'Object';
}
