import { formatMs } from '../util/text.ts';
import { libraryBundle } from './bundle.ts';
import { LeakError } from './leak-error.ts';
import { createIsMeant } from './meant.ts';
import type { ExpectNoLeaksOptions, Leftover, Scope } from './types.ts';

const DEFAULT_GRACE_MS = 1000;

/**
 * Runs a function and throws if it leaves things behind that do not end by themselves within the grace period.
 *
 * ```ts
 * await expectNoLeaks(() => handleOneJob(), { runs: 3, graceMs: 500 });
 * ```
 *
 * Ignores what may stay: idle sockets of pools, unref'd timers, what is older than the function, and what ends within the
 * grace period (the check waits only as long as needed).
 *
 * @returns What the function returned in its last run.
 * @throws {LeakError} Its message names each leftover in one line: what, file:line, count, age.
 * @throws What the function throws.
 */
export async function expectNoLeaks<T>(
  fn: () => T | PromiseLike<T>,
  {
    name = fn.name,
    runs = 1,
    graceMs = DEFAULT_GRACE_MS,
    ignore = [],
    unreferenced = false,
  }: ExpectNoLeaksOptions = {},
): Promise<T> {
  if (!(runs >= 1)) throw new RangeError(`evdiag: runs is a number from 1 on, not ${String(runs)}.`);
  const bundle = libraryBundle();
  const isMeant = createIsMeant(ignore, unreferenced);
  const scopes: Scope[] = [];
  try {
    let value: T;
    do {
      const scope = bundle.openScope(name);
      scopes.push(scope);
      value = await scope.run(fn);
    } while (scopes.length < runs);
    const counted = scopes.length > 1 ? scopes.slice(1) : scopes;
    const left = await leftByEach(counted, graceMs, isMeant);
    if (left.length > 0)
      throw new LeakError(subjectOf(name, runs), left, ` after a grace period of ${formatMs(graceMs)}`);
    return value;
  } finally {
    for (const scope of scopes) scope.close();
  }
}

/** What every one of the runs left; the grace period begins with the end of the last. */
async function leftByEach(
  scopes: readonly Scope[],
  graceMs: number,
  isMeant: (leftover: Leftover) => boolean,
): Promise<Leftover[]> {
  const lists = await Promise.all(scopes.map((scope) => scope.left(graceMs, isMeant)));
  const all = lists.map((list) => list.filter((leftover) => !isMeant(leftover)));
  const sums = new Map<string, Leftover & { runs: number }>();
  for (const leftover of all.flat()) {
    const key = placeKey(leftover);
    const sum = sums.get(key);
    if (!sum) sums.set(key, { ...leftover, runs: 1 });
    else {
      sum.count += leftover.count;
      sum.runs++;
      sum.ageMs = Math.max(sum.ageMs, leftover.ageMs);
    }
  }
  return [...sums.values()].filter(({ runs }) => runs >= scopes.length).map(({ runs: _runs, ...rest }) => rest);
}

/** Words may differ from run to run: a port, a number of a process. */
function placeKey({ kind, what, location }: Leftover): string {
  return location ? `${kind} ${location.file}:${location.line}:${location.column}` : `${kind} ${what}`;
}

function subjectOf(name: string, runs: number): string {
  const subject = name ? `'${name}'` : 'The function';
  return runs > 1 ? `${subject} (run ${runs} times, the first not counted)` : subject;
}
