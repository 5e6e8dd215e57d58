import { libraryBundle } from './bundle.ts';
import type { Watched, WatchOptions } from './types.ts';

/**
 * Runs one unit of work and reports what it opened and left open: timers, requests, sockets, servers, files, workers, listeners, and
 * async calls that are suspended, each with the line that made it.
 *
 * ```ts
 * const { value, left } = await watch('import', () => importAll());
 * for (const { what, location, count } of left) console.warn(what, location, count);
 * ```
 *
 * Only what the function itself starts counts, directly or through what it started: an AsyncLocalStorage separates it
 * from work that runs at the same time. Scopes may be nested (what an inner one leaves, its outer one leaves, too) and concurrent.
 * Everything within the scope is followed, at about 5–10 µs per promise: use it for tests and jobs, not for each request
 * of a busy server. Hooks exist only while a scope is open.
 *
 * @param name Appears in the result and in messages.
 * @param fn The work, synchronous or asynchronous.
 * @throws What the function throws; `onEnd` is still called with what it left. A TypeError where it is no function.
 */
export async function watch<T>(
  name: string,
  fn: () => T | PromiseLike<T>,
  { graceMs = 0, onEnd }: WatchOptions = {},
): Promise<Watched<T>> {
  if (typeof fn !== 'function')
    throw new TypeError('watch takes a name and a function: watch("import", () => importAll())');
  const scope = libraryBundle().openScope(name);
  const startMs = performance.now();
  const end = async (): Promise<Omit<Watched<T>, 'value'>> => {
    const durationMs = performance.now() - startMs;
    const left = await scope.left(graceMs);
    return { name, left, durationMs, untracked: scope.untracked() };
  };
  try {
    const value = await scope.run(fn);
    const rest = await end();
    onEnd?.(rest);
    return { ...rest, value };
  } catch (error) {
    if (onEnd) onEnd({ ...(await end()), error });
    throw error;
  } finally {
    scope.close();
  }
}
