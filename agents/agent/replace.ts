/**
 * Replaces built-ins by wrappers, so that the program sees no difference: name, length, properties, whether it can be
 * constructed, and its text. The text of Node's functions is their source, which no wrapper has. So `Function.prototype.toString`
 * knows each wrapper, and itself; only that of another realm (node:vm) shows a wrapper's own text.
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

/** The original of each wrapper; its methods are not looked up at times when the program may have replaced them. */
const originals = new NativeWeakMap<object, object>();

/** Where nothing is replaced any more: `Function.prototype.toString` is Node's own again. */
export function forgetWrappers(): void {
  const wrapper = getOwnPropertyDescriptor(functions, 'toString')?.value as AnyFunction;
  if (apply(get, originals, [wrapper]) === nativeText) putBack(functions, 'toString', nativeText, wrapper);
}

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
  // What is wrapped may be a wrapper of ours.
  apply(set, originals, [wrapper, apply(get, originals, [original]) ?? original]);
}

export function hasPrototype(value: AnyFunction): boolean {
  return getOwnPropertyDescriptor(value, 'prototype') !== undefined;
}

/** The wrapper as a function that is a constructor if the original is one: built-ins are not, Node's own functions are. */
export function like(original: AnyFunction, wrapper: AnyFunction): AnyFunction {
  let made = wrapper;
  if (hasPrototype(original) !== hasPrototype(wrapper)) {
    // By this name profiles recognise functions that only pass on: see agent-frames.ts of the readers.
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
  // The prototype of a built-in class cannot be changed; that of Node's classes can.
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

/** Restores the original, unless others have replaced the wrapper since. */
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
 * Replaces a class by a wrapper that makes its objects within `during`, which gets the function that the program called:
 * name, members and prototype are the class's own. Not a proxy: Node 26 shows those. Returns the wrapper.
 */
export function replaceClass(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  during: (caller: AnyFunction, make: () => unknown) => unknown,
): AnyFunction {
  const wrapper: AnyFunction = like(original, function markedCall(this: unknown, ...args: unknown[]): unknown {
    const made = new.target as AnyFunction | undefined;
    // So all frames of ours on the stack have the name of functions that only pass on.
    const { markedCall: make } = {
      markedCall: () =>
        made ? construct(original, args, made === wrapper ? original : made) : apply(original, this, args),
    };
    return during(wrapper, make);
  });
  replace(holder, name, original, wrapper);
  return wrapper;
}
