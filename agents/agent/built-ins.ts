import { builtIn } from '../built-in.ts';
import { createSensor, isOff, type Sensor } from '../guard.ts';
import { apply, deleteProperty, tryDefineProperty } from '../primordials.ts';
import { onLeave } from './leaving.ts';
import type { BuiltinModule, NodeInternals } from './node-internals.ts';
import type { AnyFunction } from './replace.ts';

type Exports = Record<string, unknown>;

/**
 * Calls `use` with a Node module once it is loaded, before the caller gets it: loading all of them here would delay every
 * start by some ms, for programs that never use them. If Node's internals are out of reach, it is loaded now.
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

/** However it is requested. */
function followLoading(module: BuiltinModule, sensor: Sensor, use: (exports: Exports) => void): void {
  const original = module.compileForInternalLoader as AnyFunction;
  const compileForInternalLoader = function markedCall(this: BuiltinModule, ...args: unknown[]): unknown {
    // Modules that it needs may request it while it loads.
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
  onLeave(() => {
    if (module.compileForInternalLoader === compileForInternalLoader)
      deleteProperty(module, 'compileForInternalLoader');
  });
}
