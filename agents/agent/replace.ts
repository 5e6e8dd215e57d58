export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const { apply, construct } = Reflect;

/** The wrapper as a function that is a constructor where the original is one: built-ins are not, Node's own functions are. */
export function like(original: AnyFunction, wrapper: AnyFunction): AnyFunction {
  if (!Object.hasOwn(original, 'prototype')) {
    // In profiles this name tells what only passes on: see the readers' agent-frames.ts.
    const method = {
      markedCall(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
        return apply(wrapper, this, arguments);
      },
    };
    return method.markedCall;
  }
  wrapper.prototype = original.prototype;
  return wrapper;
}

/** Puts the wrapper in the original's place, with its name, length and own properties. */
export function replace(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  wrapper: AnyFunction,
): void {
  const property = Object.getOwnPropertyDescriptor(holder, name);
  if (!property?.writable || !property.configurable) return;
  for (const key of Reflect.ownKeys(original)) {
    const own = Object.getOwnPropertyDescriptor(original, key)!;
    const mine = Object.getOwnPropertyDescriptor(wrapper, key);
    if (!mine || mine.configurable) Object.defineProperty(wrapper, key, own);
  }
  Object.defineProperty(holder, name, { ...property, value: wrapper });
}

/**
 * Puts a stand-in in a class's place that makes its objects within `during`: name, members and prototype are the class's own.
 * The trap is the function on the stack that the program called.
 */
export function replaceClass(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  during: (trap: AnyFunction, make: () => unknown) => unknown,
): void {
  const property = Object.getOwnPropertyDescriptor(holder, name);
  if (!property?.writable || !property.configurable) return;
  // All that is on the stack then has the name of what only passes on.
  const call = {
    markedCall: (target: AnyFunction, self: unknown, args: unknown[]): unknown => {
      const { markedCall: make } = { markedCall: () => apply(target, self, args) };
      return during(traps.apply as AnyFunction, make);
    },
  };
  const create = {
    markedCall: (target: AnyFunction, args: unknown[], made: AnyFunction): object => {
      const { markedCall: make } = { markedCall: () => construct(target, args, made === standIn ? target : made) };
      return during(traps.construct as AnyFunction, make) as object;
    },
  };
  const traps: ProxyHandler<AnyFunction> = { apply: call.markedCall, construct: create.markedCall };
  const standIn = new Proxy(original, traps);
  Object.defineProperty(holder, name, { ...property, value: standIn });
}
