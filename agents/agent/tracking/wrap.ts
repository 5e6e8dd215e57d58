import { isOff, type Sensor, unasked } from '../../guard.ts';
import {
  apply,
  defineProperty,
  getOwnPropertyDescriptor,
  getOwnPropertyNames,
  globalObject,
} from '../../primordials.ts';
import { type AnyFunction, like, putBack, replace, showAs } from '../replace.ts';

/**
 * A wrapper that is put in and taken out, as often as wanted: the same one each time. Where somebody else has put something
 * on it meanwhile, it stays beneath and only passes on while it is off.
 */
export interface Switch {
  on(): void;
  off(): void;
}

/**
 * Calls `after` each time the getter is used: with its value, or with the object itself where `wanted` chooses among
 * objects. Off at first.
 */
export function switchGetter<T extends object>(
  prototype: T,
  name: string,
  after: (value: never) => void,
  wanted?: (self: object) => boolean,
  sensor: Sensor = unasked,
): Switch {
  let isOn = false;
  const wrap = (get: AnyFunction): AnyFunction => {
    const accessor = {
      get [name](): unknown {
        const value: unknown = apply(get, this, []);
        try {
          if (isOn && !isOff(sensor) && (wanted ? wanted(this) : true)) after((wanted ? this : value) as never);
        } catch (error) {
          sensor.caught = { error };
        }
        return value;
      },
    };
    const wrapped = getOwnPropertyDescriptor(accessor, name)!.get!;
    showAs(get, wrapped);
    return wrapped;
  };
  return createSwitch({
    wrap,
    onTurn: (now) => {
      isOn = now;
    },
    read: () => getOwnPropertyDescriptor(prototype, name)?.get as AnyFunction | undefined,
    put: (original, wrapper) => exchangeGetter(prototype, name, original, wrapper),
    takeOut: (original, wrapper) => exchangeGetter(prototype, name, wrapper, original),
  });
}

function exchangeGetter(prototype: object, name: string, from: AnyFunction, to: AnyFunction): void {
  const property = getOwnPropertyDescriptor(prototype, name);
  if (property?.configurable && property.get === from) defineProperty(prototype, name, { ...property, get: to });
}

/** A call's arguments, made by V8. */
export type Arguments = { [index: number]: unknown; readonly length: number };

/**
 * Calls `before` with the arguments, which it may change, ahead of the method, and `after` with its result. Under all its
 * names: `on` is `addListener`. Off at first.
 */
export function switchMethod(
  holder: object,
  name: string,
  before: (self: unknown, args: Arguments) => void,
  after?: (result: unknown) => void,
  sensor: Sensor = unasked,
): Switch {
  let isOn = false;
  // On hot paths: no closure and no list of the arguments is made for a call.
  const wrap = (original: AnyFunction): AnyFunction =>
    like(original, function markedCall(this: unknown) {
      try {
        // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
        if (isOn && !isOff(sensor)) before(this, arguments);
      } catch (error) {
        sensor.caught = { error };
      }
      // biome-ignore lint/complexity/noArguments: the same
      const result = apply(original, this, arguments);
      if (after === undefined) return result;
      try {
        if (isOn && !isOff(sensor)) after(result);
      } catch (error) {
        sensor.caught = { error };
      }
      return result;
    });
  const functions = holder as Record<string, unknown>;
  let names: string[] = [];
  return createSwitch({
    wrap,
    onTurn: (now) => {
      isOn = now;
    },
    read: () => getOwnPropertyDescriptor(holder, name)?.value as AnyFunction | undefined,
    put(original, wrapper) {
      // Even the description of some globals loads what they come from.
      names = holder === globalObject ? [name] : namesOf(holder, original);
      for (let i = 0; i < names.length; i++) replace(functions, names[i]!, original, wrapper);
    },
    takeOut(original, wrapper) {
      for (let i = 0; i < names.length; i++) putBack(functions, names[i]!, original, wrapper);
    },
  });
}

/** A function may have two names, as EventEmitter's `on` and `addListener`. */
function namesOf(holder: object, original: AnyFunction): string[] {
  return getOwnPropertyNames(holder).filter((one) => getOwnPropertyDescriptor(holder, one)?.value === original);
}

/** The same, put in at once; returns what undoes it. */
export function wrapMethod(...what: Parameters<typeof switchMethod>): () => void {
  const method = switchMethod(...what);
  method.on();
  return method.off;
}

/** What a switch needs of the place where its wrapper goes. */
interface Slot {
  wrap(original: AnyFunction): AnyFunction;
  onTurn(isOn: boolean): void;
  read(): AnyFunction | undefined;
  put(original: AnyFunction, wrapper: AnyFunction): void;
  takeOut(original: AnyFunction, wrapper: AnyFunction): void;
}

function createSwitch({ wrap, onTurn, read, put, takeOut }: Slot): Switch {
  let original: AnyFunction | null = null;
  let wrapper: AnyFunction | null = null;
  /** In its place, or beneath what somebody has put there. */
  let isIn = false;
  return {
    on(): void {
      onTurn(true);
      const now = read();
      if (isIn || typeof now !== 'function') return;
      if (now !== original || !wrapper) {
        original = now;
        wrapper = wrap(now);
      }
      put(original, wrapper);
      isIn = read() === wrapper;
    },
    off(): void {
      onTurn(false);
      if (!isIn || !original || !wrapper) return;
      takeOut(original, wrapper);
      isIn = read() !== original;
    },
  };
}
