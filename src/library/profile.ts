import { libraryBundle } from './bundle.ts';
import { ProfileResult } from './profile-result.ts';
import type { Profiled, ProfileOptions } from './types.ts';

/**
 * Takes a CPU profile while a function runs and reports where it waited.
 *
 * ```ts
 * const result = await profile(() => placeOrder(cart));
 * console.log(String(result)); // functions by CPU time, awaits by waiting
 * for (const { code, location, count, selfMs } of result.waits) console.log(code, location.line, count, selfMs);
 * writeFileSync('order.html', result.export('html')); // flamegraph; result.export('html', 'waiting') of the waiting
 * writeFileSync('order.cpuprofile', result.export('cpuprofile'));
 * ```
 *
 * Both cover the function alone, with everything it calls and starts, until it ends: an AsyncLocalStorage separates it from
 * work that runs at the same time. An await counts from where the call is suspended to where it resumes, which includes
 * waiting for a busy thread. Calls may overlap and be nested, and a profiler that is already running goes on. Functions
 * that were hot before are seen as well (see `deoptimize`). Other threads are not profiled.
 *
 * It costs V8's profiler, code without inlining (see `deoptimize`), and 30–90 µs of CPU per await (see `waits`). Use it for
 * tests and single jobs, not for each request of a busy server.
 *
 * @throws What the function throws; an Error if the inspector is not available (`--permission` without
 * `--allow-inspector`).
 */
export async function profile<T>(fn: () => T | Promise<T>, options: ProfileOptions = {}): Promise<Profiled<T>> {
  return new ProfileResult(fn.name, await libraryBundle().profile(fn, options));
}
