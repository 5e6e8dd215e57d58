import { process } from './primordials.ts';

const { getBuiltinModule } = process as unknown as { getBuiltinModule?: (name: string) => unknown };

/**
 * A module of Node's own, by its name without `node:`; null in a Node that does not have it. For those that an import would load at each
 * start though they are needed later, or seldom.
 */
export function builtIn<Module>(name: string): Module | null {
  try {
    // Not by way of `require` where that can be avoided: the program may have put its own in its place.
    return ((getBuiltinModule ? getBuiltinModule(name) : require(`node:${name}`)) ?? null) as Module | null;
  } catch {
    return null;
  }
}
