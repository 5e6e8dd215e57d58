import { libraryBundle } from './bundle.ts';
import { ProfileResult } from './profile-result.ts';
import type { Profiled, ProfileOptions } from './types.ts';

/**
 * Takes a CPU profile while a function runs, and tells where it waited.
 *
 * ```ts
 * const result = await profile(() => placeOrder(cart));
 * console.log(String(result)); // functions by CPU time, awaits by waiting
 * for (const { code, location, count, selfMs } of result.waits) console.log(code, location.line, count, selfMs);
 * writeFileSync('order.html', result.export('html')); // flamegraph; result.export('html', 'waiting') of the waiting
 * writeFileSync('order.cpuprofile', result.export('cpuprofile'));
 * ```
 *
 * Both are of the function alone, with all that it calls and starts, until it ends: an AsyncLocalStorage tells it from
 * what goes on beside. An await counts from where the call is suspended to where it goes on: waiting for a busy thread
 * is in it. Calls may overlap and be nested, and a profiler that
 * is already there goes on. Functions that ran hot before are seen, too (see `deoptimize`). Other threads are not profiled.
 *
 * The cost: that of V8's profiler, code without inlining (see `deoptimize`), and 30–90 µs of CPU for each await (see
 * `waits`). Made for tests and single jobs, not for each request of a busy server.
 *
 * @throws What the function throws; an Error where the inspector is not to be had (`--permission` without
 * `--allow-inspector`).
 */
export async function profile<T>(fn: () => T | Promise<T>, options: ProfileOptions = {}): Promise<Profiled<T>> {
  return new ProfileResult(fn.name, await libraryBundle().profile(fn, options));
}
