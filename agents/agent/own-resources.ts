import { NativeWeakSet } from '../primordials.ts';

/** Timers of the agent's own: what a capture of the program's operations leaves out. */
const own = new NativeWeakSet<object>();

export function markOwn<T extends object>(resource: T): T {
  own.add(resource);
  return resource;
}

export const isOwn = (resource: object): boolean => own.has(resource);
