import { defineProperty, getOwnPropertyDescriptor, globalObject } from '../primordials.ts';

/** A global that Node makes on first use; the program does not see that we used it. Undefined if the program has removed it. */
export function nodesGlobal<K extends 'AbortController' | 'AbortSignal'>(name: K): (typeof globalThis)[K] | undefined {
  const property = getOwnPropertyDescriptor(globalObject, name);
  const value = globalObject[name];
  if (property?.get && property.configurable) defineProperty(globalObject, name, property);
  return value;
}
