const { defineProperty, getOwnPropertyDescriptor } = Reflect;

/** A global that Node makes when it is first asked for; the program does not see that it was. */
export function nodesGlobal<K extends 'AbortController' | 'AbortSignal'>(name: K): (typeof globalThis)[K] {
  const property = getOwnPropertyDescriptor(globalThis, name);
  const value = globalThis[name];
  if (property?.get && property.configurable) defineProperty(globalThis, name, property);
  return value;
}
