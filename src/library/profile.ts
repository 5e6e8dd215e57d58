import { libraryBundle } from './bundle.ts';
import type { Profiled, ProfileOptions } from './types.ts';

/**
 * Takes a CPU profile while a function runs.
 *
 * ```ts
 * const { functions, cpuProfile } = await profile(() => render(page));
 * console.table(functions.map(({ function: name, selfMs, totalMs }) => ({ name, selfMs, totalMs })));
 * writeFileSync('render.cpuprofile', JSON.stringify(cpuProfile));
 * ```
 *
 * It holds all that this thread does from the call to its end: of an asynchronous function also what goes on beside it.
 * Calls may overlap and be nested, and a profiler that is already there goes on. Functions that ran hot before are seen,
 * too (see `deoptimize`). Other threads are not profiled.
 *
 * @throws What the function throws; an Error where the inspector is not to be had (`--permission` without
 * `--allow-inspector`).
 */
export function profile<T>(fn: () => T | Promise<T>, options: ProfileOptions = {}): Promise<Profiled<T>> {
  return libraryBundle().profile(fn, options);
}
