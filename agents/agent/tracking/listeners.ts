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
import { currentFrames, isNodes, type Site, type Sites } from './sites.ts';
import { type Arguments, wrapMethod } from './wrap.ts';

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
}

/** Follows the listeners of emitters, event targets and abort signals where one event has many of them. */
export function followListeners(sites: Sites, onSignalListener: (signal: AbortSignal) => void, sensor: Sensor) {
  const targets = new NativeSet<Target>();
  const known = new NativeWeakMap<object, Map<string | symbol, Map<Site, Target>>>();
  const added = new NativeWeakMap<object, number>();
  let budget = PER_SECOND;

  const note = (target: object, event: string | symbol, type: string): void => {
    if (budget <= 0 || targets.size >= MAX_TARGETS) return;
    budget--;
    const frames = currentFrames();
    if (!frames.some((frame) => !isNodes(frame))) return;
    const site = sites.here(
      'listener',
      type,
      `${className(target)} ${NativeString(event)}`.slice(0, NAME_LIMIT),
      frames,
    );
    if (!site) return;
    const events = known.get(target) ?? new NativeMap<string | symbol, Map<Site, Target>>();
    known.set(target, events);
    const places = events.get(event) ?? new NativeMap<Site, Target>();
    events.set(event, places);
    if (places.has(site)) return;
    const one = { ref: new NativeWeakRef(target), event, site, startMs: monotonicMs() };
    places.set(site, one);
    targets.add(one);
  };
  const onEmitter = (self: unknown, { 0: event }: Arguments): void => {
    const listeners = (self as { _events?: Record<string | symbol, unknown> } | null)?._events?.[event as string];
    if (isArray(listeners) && listeners.length >= MANY) note(self as object, event as string, 'emitter');
  };
  const Signal = nodesGlobal('AbortSignal');
  const onTarget = (self: unknown, { 0: event }: Arguments): void => {
    if (typeof self !== 'object' || self === null) return;
    const isSignal = self instanceof Signal;
    if (isSignal) onSignalListener(self);
    const count = (added.get(self) ?? 0) + 1;
    added.set(self, count);
    // Asked of the target at most so often: the list is made for it.
    if (count >= MANY && (count % MANY === 0 || targets.size === 0)) {
      if (countOf(self, NativeString(event)) >= MANY)
        note(self, NativeString(event), isSignal ? 'abort-signal' : 'event-target');
    }
  };

  const emitter = EventEmitter.prototype as object;
  const restore = [
    ...['on', 'prependListener'].map((name) => wrapMethod(emitter, name, onEmitter, undefined, sensor)),
    wrapMethod(NativeEventTarget.prototype, 'addEventListener', onTarget, undefined, sensor),
  ];

  return {
    refill(intervalMs: number): void {
      budget = min(PER_SECOND, budget + (PER_SECOND * intervalMs) / 1000);
    },
    /** Counts the listeners that there are now. */
    check(): void {
      const now = monotonicMs();
      const biggest = new NativeMap<Site, number>();
      for (const target of targets) {
        const object = target.ref.deref();
        const count = object ? countOf(object, target.event) : 0;
        if (count < MANY) targets.delete(target);
        if (count < MANY && object) known.get(object)?.get(target.event)?.delete(target.site);
        // Of several targets of one place, that with the most.
        biggest.set(target.site, max(biggest.get(target.site) ?? 0, count));
        if (target.startMs < target.site.oldestStart) target.site.oldestStart = target.startMs;
      }
      for (const [site, count] of biggest) tell(site, count, now);
    },
    stop(): void {
      for (const undo of restore) undo();
      targets.clear();
    },
  };
}

function tell(site: Site, count: number, now: number): void {
  const more = count - site.alive;
  if (more > 0) site.created += more;
  else site.ended -= more;
  if (more < 0) site.position.durations.maxMs = now - site.oldestStart;
  site.alive = count;
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
