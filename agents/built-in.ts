import { process } from './primordials.ts';

const { getBuiltinModule } = process as unknown as { getBuiltinModule?: (name: string) => unknown };

/**
 * A Node module, by its name without `node:`; null in a Node that does not have it. For modules that an import would load at each
 * start although they are needed later, or rarely.
 */
export function builtIn<Module>(name: string): Module | null {
  try {
    // Not through `require` if that can be avoided: the program may have replaced the module.
    const module = `node:${name}`;
    return ((getBuiltinModule ? getBuiltinModule(module) : require(module)) ?? null) as Module | null;
  } catch {
    return null;
  }
}
