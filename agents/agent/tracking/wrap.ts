import { isOff, type Sensor, unasked } from '../../guard.ts';
import { apply, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames } from '../../primordials.ts';
import { type AnyFunction, like, putBack, replace, showAs } from '../replace.ts';

/**
 * Calls `after` each time the getter is used: with its value, or with the object itself if `wanted` chooses among
 * objects. Returns what undoes it.
 */
export function wrapGetter<T extends object>(
  prototype: T,
  name: string,
  after: (value: never) => void,
  wanted?: (self: object) => boolean,
  sensor: Sensor = unasked,
): () => void {
  const property = getOwnPropertyDescriptor(prototype, name);
  const get = property?.get as AnyFunction | undefined;
  if (!property?.configurable || !get) return () => {};
  const accessor = {
    get [name](): unknown {
      const value: unknown = apply(get, this, []);
      try {
        if (!isOff(sensor) && (wanted ? wanted(this) : true)) after((wanted ? this : value) as never);
      } catch (error) {
        sensor.caught = { error };
      }
      return value;
    },
  };
  const wrapped = getOwnPropertyDescriptor(accessor, name)!.get!;
  showAs(get, wrapped);
  const mine = { ...property, get: wrapped };
  defineProperty(prototype, name, mine);
  return () => {
    if (getOwnPropertyDescriptor(prototype, name)?.get === wrapped) defineProperty(prototype, name, property);
  };
}

/** A call's arguments, made by V8. */
export type Arguments = { [index: number]: unknown; readonly length: number };

/** Calls `before` with the arguments, which it may change, ahead of the method, and `after` with its result; returns what undoes it. */
export function wrapMethod(
  holder: object,
  name: string,
  before: (self: unknown, args: Arguments) => void,
  after?: (result: unknown) => void,
  sensor: Sensor = unasked,
): () => void {
  const property = getOwnPropertyDescriptor(holder, name);
  const original = property?.value as AnyFunction | undefined;
  if (!property || typeof original !== 'function') return () => {};
  // On hot paths: no closure and no list of arguments is made per call.
  const wrapper = like(original, function markedCall(this: unknown) {
    try {
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      if (!isOff(sensor)) before(this, arguments);
    } catch (error) {
      sensor.caught = { error };
    }
    // biome-ignore lint/complexity/noArguments: the same
    const result = apply(original, this, arguments);
    if (after === undefined) return result;
    try {
      if (!isOff(sensor)) after(result);
    } catch (error) {
      sensor.caught = { error };
    }
    return result;
  });
  const functions = holder as Record<string, unknown>;
  // Under all its names: `on` is `addListener`.
  const names = getOwnPropertyNames(holder).filter((one) => getOwnPropertyDescriptor(holder, one)?.value === original);
  for (let i = 0; i < names.length; i++) replace(functions, names[i]!, original, wrapper);
  return () => {
    for (let i = 0; i < names.length; i++) putBack(functions, names[i]!, original, wrapper);
  };
}
