import { type AnyFunction, like, replace } from '../replace.ts';

const { apply } = Reflect;

/**
 * Calls `after` each time the getter is used: with its value, or with the object itself where `wanted` chooses among
 * objects. Returns what undoes it.
 */
export function wrapGetter<T extends object>(
  prototype: T,
  name: string,
  after: (value: never) => void,
  wanted?: (self: object) => boolean,
): () => void {
  const property = Object.getOwnPropertyDescriptor(prototype, name);
  const get = property?.get as AnyFunction | undefined;
  if (!property?.configurable || !get) return () => {};
  const accessor = {
    get [name](): unknown {
      const value: unknown = apply(get, this, []);
      if (wanted ? wanted(this) : true) quietly(() => after((wanted ? this : value) as never));
      return value;
    },
  };
  const wrapped = Object.getOwnPropertyDescriptor(accessor, name)!.get!;
  const mine = { ...property, get: wrapped };
  Object.defineProperty(prototype, name, mine);
  return () => {
    if (Object.getOwnPropertyDescriptor(prototype, name)?.get === wrapped)
      Object.defineProperty(prototype, name, property);
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
): () => void {
  const property = Object.getOwnPropertyDescriptor(holder, name);
  const original = property?.value as AnyFunction | undefined;
  if (!property || typeof original !== 'function') return () => {};
  // On hot paths: no closure and no list of the arguments is made for a call.
  const wrapper = like(original, function markedCall(this: unknown) {
    try {
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      before(this, arguments);
    } catch {
      // As in quietly.
    }
    // biome-ignore lint/complexity/noArguments: the same
    const result = apply(original, this, arguments);
    if (after) quietly(() => after(result));
    return result;
  });
  replace(holder as Record<string, unknown>, name, original, wrapper);
  return () => {
    if (Object.getOwnPropertyDescriptor(holder, name)?.value === wrapper) Object.defineProperty(holder, name, property);
  };
}

/** What the agent does meanwhile must not reach the application. */
function quietly(job: () => void): void {
  try {
    job();
  } catch {
    // Nothing to be told to the application.
  }
}
