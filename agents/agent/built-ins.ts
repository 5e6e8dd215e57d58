import { builtIn } from '../built-in.ts';
import { createSensor, isOff, type Sensor } from '../guard.ts';
import { apply, deleteProperty, tryDefineProperty } from '../primordials.ts';
import type { BuiltinModule, NodeInternals } from './node-internals.ts';
import type { AnyFunction } from './replace.ts';

type Exports = Record<string, unknown>;

/**
 * Calls `use` with a module of Node's once it is loaded, before whoever asked for it gets it: to load each here would put off every
 * start by some ms, for programs that never use them. Where Node's internals are out of reach it is loaded now.
 */
export function onceLoaded(internals: NodeInternals | null, name: string, use: (exports: Exports) => void): void {
  const module = internals?.BuiltinModule.map.get(name);
  if (module?.loaded === false && typeof module.compileForInternalLoader === 'function') {
    followLoading(module, createSensor(`the marks of node:${name}`), use);
    return;
  }
  const exports = builtIn<Exports>(name);
  if (exports) use(exports);
}

/** By whatever way it is asked for. */
function followLoading(module: BuiltinModule, sensor: Sensor, use: (exports: Exports) => void): void {
  const original = module.compileForInternalLoader as AnyFunction;
  const compileForInternalLoader = function markedCall(this: BuiltinModule, ...args: unknown[]): unknown {
    // While it loads, modules that it needs may ask for it.
    deleteProperty(module, 'compileForInternalLoader');
    const exports = apply(original, this, args);
    try {
      if (!isOff(sensor)) use(exports as Exports);
    } catch (error) {
      sensor.caught = { error };
    }
    return exports;
  };
  tryDefineProperty(module, 'compileForInternalLoader', { value: compileForInternalLoader, configurable: true });
}
