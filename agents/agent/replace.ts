/**
 * Puts wrappers in the place of built-ins, so that the program sees no difference: name, length, properties, whether it can be
 * constructed, and its text. Node's functions have their source for a text, which no wrapper has. So `Function.prototype.toString`
 * is told of each, and of itself; only that of another realm (node:vm) shows a wrapper's own.
 */
import {
  apply,
  construct,
  getOwnPropertyDescriptor,
  NativeFunction,
  NativeWeakMap,
  ownKeys,
  tryDefineProperty,
} from '../primordials.ts';

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const { get, set } = NativeWeakMap.prototype;
const functions = NativeFunction.prototype as unknown as Record<string, unknown>;
const nativeText = functions.toString as AnyFunction;

/** What each wrapper stands for; no method of it is looked up when the program may have replaced them. */
const originals = new NativeWeakMap<object, object>();

/** The wrapper shows as the original from now on. */
export function showAs(original: object, wrapper: object): void {
  if (!apply(get, originals, [nativeText])) {
    apply(set, originals, [nativeText, nativeText]);
    const { markedCall: text } = {
      markedCall(this: unknown): unknown {
        return apply(nativeText, (typeof this === 'function' && apply(get, originals, [this])) || this, []);
      },
    };
    replace(functions, 'toString', nativeText, text as AnyFunction);
  }
  apply(set, originals, [wrapper, original]);
}

export function hasPrototype(value: AnyFunction): boolean {
  return getOwnPropertyDescriptor(value, 'prototype') !== undefined;
}

/** The wrapper as a function that is a constructor where the original is one: built-ins are not, Node's own functions are. */
export function like(original: AnyFunction, wrapper: AnyFunction): AnyFunction {
  let made = wrapper;
  if (hasPrototype(original) !== hasPrototype(wrapper)) {
    // In profiles this name tells what only passes on: see the readers' agent-frames.ts.
    const kinds = {
      markedCall(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
        return apply(wrapper, this, arguments);
      },
      constructible: function markedCall(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
        return apply(wrapper, this, arguments);
      },
    };
    made = hasPrototype(original) ? kinds.constructible : kinds.markedCall;
  }
  const prototype = getOwnPropertyDescriptor(original, 'prototype');
  // That of a built-in class cannot be changed; Node's can.
  if (prototype) tryDefineProperty(made, 'prototype', prototype);
  return made;
}

/** Puts the wrapper in the original's place, with its name, length and own properties. */
export function replace(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  wrapper: AnyFunction,
): void {
  const property = getOwnPropertyDescriptor(holder, name);
  if (!property?.writable || !property.configurable) return;
  const keys = ownKeys(original);
  for (let i = 0; i < keys.length; i++) {
    const own = getOwnPropertyDescriptor(original, keys[i]!)!;
    const mine = getOwnPropertyDescriptor(wrapper, keys[i]!);
    if (!mine || mine.configurable) tryDefineProperty(wrapper, keys[i]!, own);
  }
  pointBack(original, wrapper);
  showAs(original, wrapper);
  tryDefineProperty(holder, name, { ...property, value: wrapper });
}

/** `f.prototype.constructor` is `f`. */
function pointBack(from: AnyFunction, to: AnyFunction): void {
  const { prototype } = to as { prototype?: object };
  const property = prototype && getOwnPropertyDescriptor(prototype, 'constructor');
  if (property?.value === from) tryDefineProperty(prototype!, 'constructor', { ...property, value: to });
}

/** Puts the original back in the wrapper's place, where nobody has put something else since. */
export function putBack(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  wrapper: AnyFunction,
): void {
  const property = getOwnPropertyDescriptor(holder, name);
  if (property?.value !== wrapper) return;
  pointBack(wrapper, original);
  tryDefineProperty(holder, name, { ...property, value: original });
}

/**
 * Puts a wrapper in a class's place that makes its objects within `during`, which is told of the function that the program called:
 * name, members and prototype are the class's own. No proxy: Node 26 shows those.
 */
export function replaceClass(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  during: (caller: AnyFunction, make: () => unknown) => unknown,
): void {
  const wrapper: AnyFunction = like(original, function markedCall(this: unknown, ...args: unknown[]): unknown {
    const made = new.target as AnyFunction | undefined;
    // All that is on the stack then has the name of what only passes on.
    const { markedCall: make } = {
      markedCall: () =>
        made ? construct(original, args, made === wrapper ? original : made) : apply(original, this, args),
    };
    return during(wrapper, make);
  });
  replace(holder, name, original, wrapper);
}
