import { syncBuiltinESMExports } from 'node:module';
import { builtIn } from '../built-in.ts';
import { createSensor } from '../guard.ts';
import { apply, NativeAtomics, NativeDate, NativeIntl, NativeJSON, NativeNumber, process } from '../primordials.ts';
import { type SharedMemory, SYNC_CALLS } from '../shared-memory.ts';
import type { ThreadGate } from '../thread-gate.ts';
import { onceLoaded } from './built-ins.ts';
import { createCallMarks } from './call-marks.ts';
import { onLeave, replaceUntilLeft } from './leaving.ts';
import { MAX_ADD_ON_CALLS, markNativeAddons } from './native-addons.ts';
import type { NodeInternals } from './node-internals.ts';
import { type AnyFunction, forgetWrappers, putBack, replaceClass } from './replace.ts';
import { onlyTerminable, SHIELDED, shield } from './shields.ts';
import { onlyLargeText, onlyWithOptions } from './some-calls.ts';
import { onSqliteObjects } from './sqlite-objects.ts';

/** Which calls are marked at all, where it is not each. */
const SOME_ONLY: Record<string, ((original: AnyFunction, marked: AnyFunction) => AnyFunction) | undefined> = {
  JSON: onlyLargeText,
  Date: onlyWithOptions,
  Number: onlyWithOptions,
  Script: onlyTerminable,
};

/** What holds the functions, by the name that SYNC_CALLS gives it. */
type Holders = Record<string, Record<string, unknown>>;

const HOLDERS: Holders = {
  JSON: NativeJSON as unknown as Record<string, unknown>,
  Date: NativeDate.prototype as unknown as Record<string, unknown>,
  Number: NativeNumber.prototype as unknown as Record<string, unknown>,
  Intl: NativeIntl as unknown as Record<string, unknown>,
  Atomics: NativeAtomics as unknown as Record<string, unknown>,
};
/** Those that Node loads anyway are marked at once. */
const LOADED_MODULES = ['fs', 'vm'];
/** The others when they are loaded. */
const MODULES = ['child_process', 'crypto', 'zlib'];

/**
 * Marks the synchronous calls of Node while they run.
 *
 * A native call that blocks cannot be interrupted, so its stack cannot be taken while it lasts: the mark shows
 * the watchdog what runs, and the call site, written on entry (as often as the budget allows), shows where.
 *
 * Each wrapper keeps name, length, own properties and the promisify symbols of the original. What is returned marks
 * the calls of modules that the application has loaded since, and is to be called now and then.
 */
export function markSyncCalls(
  shared: SharedMemory,
  gate: ThreadGate | null,
  internals: NodeInternals | null,
  onAddOn: (calls: [module: string, name: string][]) => void,
): () => void {
  const { during, marked, look } = createCallMarks(shared, SYNC_CALLS.length + MAX_ADD_ON_CALLS);
  const markAddOnCall = (index: number) =>
    function markedCall(original: AnyFunction, self: unknown, args: unknown[]): unknown {
      return during(SYNC_CALLS.length + index, markedCall as never, () => apply(original, self, args));
    };
  const markAll = (holders: Holders): void =>
    SYNC_CALLS.forEach(({ module, name }, index) => {
      const holder = holders[module];
      const original = holder?.[name] as AnyFunction | undefined;
      if (!holder || typeof original !== 'function') return;
      if (module === 'Intl') {
        const wrapper = replaceClass(holder, name, original, during.bind(null, index));
        onLeave(() => putBack(holder, name, original, wrapper));
        return;
      }
      const word = SHIELDED[module];
      const wrapper = marked(index, word === undefined ? original : shield(shared, gate, original, word));
      const some = SOME_ONLY[module];
      replaceUntilLeft(holder, name, original, some ? some(original, wrapper) : wrapper);
    });
  // Called last, when all are back.
  onLeave(() => {
    forgetWrappers();
    syncBuiltinESMExports();
  });
  markAll(HOLDERS);
  const markModule = (name: string) => (exports: Record<string, unknown>) => markAll(holdersIn(name, exports));
  for (let i = 0; i < LOADED_MODULES.length; i++) markModule(LOADED_MODULES[i]!)(builtIn(LOADED_MODULES[i]!)!);
  for (let i = 0; i < MODULES.length; i++) onceLoaded(internals, MODULES[i]!, markModule(MODULES[i]!));
  syncBuiltinESMExports();
  const lookAtAddOns = markNativeAddons({ markCall: markAddOnCall, announce: onAddOn });
  const markSqlite = (exports: Record<string, unknown>): void => {
    const { DatabaseSync, StatementSync } = exports as Record<string, { prototype: Holders[string] }>;
    const classes = { DatabaseSync: DatabaseSync!.prototype, StatementSync: StatementSync!.prototype };
    markAll(classes);
    onSqliteObjects(classes, createSensor('the marks of node:sqlite'), markAll);
  };
  // Loading it here would print a warning: without Node's internals, the program is waited for.
  let isSqliteAwaited = internals === null;
  if (internals?.BuiltinModule.map.has('sqlite')) onceLoaded(internals, 'sqlite', markSqlite);
  return () => {
    look();
    lookAtAddOns();
    if (!isSqliteAwaited || !isSqliteLoaded()) return;
    isSqliteAwaited = false;
    markSqlite(builtIn('sqlite')!);
  };
}

function isSqliteLoaded(): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  return moduleLoadList?.includes('NativeModule sqlite') === true;
}

/** The object with the marked functions of a module: the module itself, or a class of it. */
function holdersIn(name: string, exports: Record<string, unknown>): Holders {
  if (name !== 'vm') return { [name]: exports };
  return { Script: (exports.Script as { prototype: Holders[string] }).prototype };
}
