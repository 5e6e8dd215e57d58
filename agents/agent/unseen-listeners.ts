/**
 * Listeners of the agent's own that the program does not see: no count, no list and no limit has them.
 *
 * An emitter looks its listeners up in an object by the name of the event. That object is replaced by a proxy, which adds the
 * agent's to what `emit` looks up, and to nothing else. It has nothing of its own, so that every other operation on it
 * is answered by the original object.
 */
import type { EventEmitter } from 'node:events';
import {
  apply,
  create,
  defineProperty,
  getOwnPropertyDescriptor,
  isArray,
  NativeProxy,
  NativeSet,
  NativeWeakMap,
  process,
} from '../primordials.ts';
import { onLeave } from './leaving.ts';
import { callSites } from './stack.ts';

type Listener = (this: unknown, ...args: never[]) => void;
type Events = Record<PropertyKey, unknown>;

interface Unseen {
  listener: Listener;
  /** Called only if the program has a listener as well: having one changes what Node does. */
  besideOthers: boolean;
}

interface Veil {
  proxy: Events | null;
  /** The object behind the proxy. */
  behind: Events | null;
  unseen: Record<PropertyKey, Unseen | undefined>;
  followed: Record<PropertyKey, ((isHandled: boolean) => void) | undefined>;
}

const { get, set } = NativeWeakMap.prototype;

const veils = new NativeWeakMap<EventEmitter, Veil>();
/** Those that are not over: `process`, and workers that run. */
const veiled = new NativeSet<EventEmitter>();

onLeave(() => {
  for (const emitter of [...veiled]) liftVeil(emitter);
});

/** Calls the listener before those of the program; several of ours one after the other. */
export function listenUnseen(
  emitter: EventEmitter,
  event: string,
  listener: (...args: never[]) => void,
  besideOthers = false,
): void {
  const { unseen } = veilOf(emitter);
  const before = unseen[event]?.listener as ((...args: unknown[]) => void) | undefined;
  const both = function (this: unknown, ...args: unknown[]): void {
    apply(before!, this, args);
    apply(listener as (...args: unknown[]) => void, this, args);
  };
  unseen[event] = { listener: before ? both : listener, besideOthers };
}

/** Reports whether the program has a listener for the event, now and whenever that changes. */
export function followListeners(emitter: EventEmitter, event: string, onChange: (isHandled: boolean) => void): void {
  const { followed } = veilOf(emitter);
  followed[event] = onChange;
  onChange(emitter.listenerCount(event) > 0);
}

/** Puts the proxy back if the emitter has begun a new object, as it does when all listeners are removed. */
export function renewVeil(emitter: EventEmitter): void {
  veilOf(emitter);
}

/** The emitter has the object that it had, with what the program has put there since. */
export function liftVeil(emitter: EventEmitter): void {
  const veil = apply(get, veils, [emitter]) as Veil | undefined;
  veiled.delete(emitter);
  if (!veil) return;
  // Not forgotten: whoever still holds the proxy finds nothing of ours in it.
  veil.unseen = create(null) as Veil['unseen'];
  veil.followed = create(null) as Veil['followed'];
  const property = getOwnPropertyDescriptor(emitter, '_events');
  if (property?.value === veil.proxy) defineProperty(emitter, '_events', { ...property, value: veil.behind });
}

function veilOf(emitter: EventEmitter): Veil {
  let veil = apply(get, veils, [emitter]) as Veil | undefined;
  if (!veil) {
    veil = { proxy: null, behind: null, unseen: create(null), followed: create(null) };
    apply(set, veils, [emitter, veil]);
    veiled.add(emitter);
  }
  const property = getOwnPropertyDescriptor(emitter, '_events');
  const events: unknown = property?.value;
  if (typeof events === 'object' && events !== null && events !== veil.proxy) {
    veil.behind = events as Events;
    veil.proxy = new NativeProxy(veil.behind, trapsFor(emitter, veil));
    defineProperty(emitter, '_events', { ...property, value: veil.proxy });
  }
  return veil;
}

function trapsFor(emitter: EventEmitter, veil: Veil): ProxyHandler<Events> {
  const notify = (key: PropertyKey, isHandled: boolean): void => veil.followed[key]?.(isHandled);
  let exited = false;
  /** `exit` is emitted once, at a time when no stack can be taken. */
  const isEmitting = (key: PropertyKey, trap: NonNullable<ProxyHandler<Events>['get']>): boolean => {
    if (key !== 'exit' || !isProcess(emitter)) return isEmit(callSites(1, trap as (...args: never[]) => unknown)[0]);
    if (exited || !emitter._exiting) return false;
    exited = true;
    return true;
  };
  const traps = {
    get(target: Events, key: PropertyKey): unknown {
      const theirs = target[key];
      const one = veil.unseen[key];
      if (one === undefined || (one.besideOthers && theirs === undefined) || !isEmitting(key, traps.get)) return theirs;
      return together(one.listener, theirs);
    },
    set(target: Events, key: PropertyKey, value: unknown): boolean {
      target[key] = value;
      notify(key, value !== undefined);
      return true;
    },
    deleteProperty(target: Events, key: PropertyKey): boolean {
      delete target[key];
      notify(key, false);
      return true;
    },
  };
  return traps;
}

function isEmit(caller: ReturnType<typeof callSites>[number] | undefined): boolean {
  return caller !== undefined && caller[1] === 'node:events' && caller[0] === 'emit';
}

type Process = EventEmitter & { _exiting?: boolean };
const ownProcess = process as unknown as EventEmitter;

function isProcess(emitter: EventEmitter): emitter is Process {
  return emitter === ownProcess;
}

/** As an emitter has them: a function, or a list of functions. It calls one in another way than many, as stacks show. */
function together(listener: Listener, theirs: unknown): unknown {
  if (theirs === undefined) return listener;
  if (!isArray(theirs)) return oneAfterOther(listener, theirs as Listener);
  const all: unknown[] = [listener];
  for (let i = 0; i < theirs.length; i++) all[i + 1] = theirs[i];
  return all;
}

function oneAfterOther(listener: Listener, theirs: Listener): Listener {
  return function markedCall(this: unknown, ...args: never[]): unknown {
    apply(listener, this, args);
    return apply(theirs, this, args);
  };
}
