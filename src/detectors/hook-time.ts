/** What async hooks cost, as the stacks of deep samples show it: whose code Node runs for each promise and each callback. */
import { packageNameOf, toLocation } from '../recording/places.ts';
import type { DeepSampleRow, Frame, Location } from '../recording/types.ts';

/** Node's functions that call hooks, on 20 to 26. Others of the file run the program's callbacks. */
const DISPATCH_FILE = 'node:internal/async_hooks';
const DISPATCH =
  /^(emit(Init|Hook|Before|After|Destroy|PromiseResolve)|promise(Init|Before|After|Resolve)Hook|destroyTracking|trackPromise)/;
/** Where Node's own hook for AsyncLocalStorage is, on 20 and 22. */
const STORAGE_FILES = /^node:(async_hooks$|internal\/async_local_storage\/)/;

/** A callback of a hook, and the stacks in which it ran. */
interface HookCallback {
  count: number;
  location: Location;
  package: string | null;
}

export interface HookTime {
  /** Stacks of a thread that worked, those between two calls included. */
  stacks: number;
  /** Of these, in Node's hook for AsyncLocalStorage; and in other hooks, by callback, the most frequent first. */
  storages: number;
  hooks: number;
  callbacks: HookCallback[];
}

/** All of them together. */
export function hookTimeOf(deepSamples: readonly DeepSampleRow[]): HookTime {
  const callbacks = new Map<string, HookCallback>();
  let [stacks, storages, hooks, unknown] = [0, 0, 0, 0];
  for (const { stacks: groups, framelessSamples } of deepSamples) {
    stacks += framelessSamples;
    for (const { count, frames } of groups) {
      stacks += count;
      const above = aboveDispatch(frames);
      if (above === null) continue;
      const callback = above.findLast(({ category }) => category === 'application' || category === 'dependency');
      if (callback) {
        hooks += count;
        add(callbacks, callback, count);
      } else if (above.some(({ file }) => STORAGE_FILES.test(file))) storages += count;
      else unknown += count;
    }
  }
  // Node's own part has no name on it: it is shared like the rest.
  const known = storages + hooks;
  const factor = known > 0 ? (known + unknown) / known : 0;
  const sorted = [...callbacks.values()].sort((a, b) => b.count - a.count);
  return { stacks, storages: storages * factor, hooks: hooks * factor, callbacks: sorted };
}

function add(callbacks: Map<string, HookCallback>, frame: Frame, count: number): void {
  const key = `${frame.file} ${frame.function}`;
  const same = callbacks.get(key);
  if (same) same.count += count;
  else callbacks.set(key, { count, location: toLocation(frame), package: packageNameOf(frame.file) });
}

/** What runs on top of Node's calls of hooks; null if none is called. Hooks of evdiag itself leave no frames. */
function aboveDispatch(frames: readonly Frame[]): readonly Frame[] | null {
  const waits = frames.findIndex(({ awaits }) => awaits);
  const running = waits < 0 ? frames : frames.slice(0, waits);
  const first = running.findIndex(({ file, function: name }) => file === DISPATCH_FILE && DISPATCH.test(name));
  return first < 0 ? null : running.slice(0, first);
}
