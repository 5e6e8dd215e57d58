import { createHook } from 'node:async_hooks';
import { monotonicMs } from '../primordials.ts';

/** Less than the time between two of V8's samples, so that pieces of one turn are joined. */
const SAME_TURN_MS = 0.005;
/** Further turns are joined with the last. */
const MAX_TURNS = 500_000;

/** The work whose turns are recorded. */
export interface Turning {
  /** Itself, and what it is nested in. */
  around: readonly Turning[];
  /** From and to in turn, ms of the monotonic clock. */
  turns: number[];
  /** Since when it is running; null if it is not. */
  runsSinceMs: number | null;
}

export function newTurning(): Turning {
  return { around: [], turns: [], runsSinceMs: null };
}

/**
 * Records when the thread ran which work: callbacks and promise reactions, by the hooks `before` and `after`, in
 * which an AsyncLocalStorage identifies the one that begins (Node 20 to 26).
 */
export function followTurns(current: () => Turning | null) {
  const outer: (Turning | null)[] = [];
  let now: Turning | null = null;

  const switchTo = (next: Turning | null): void => {
    if (next === now) return;
    const atMs = monotonicMs();
    for (const one of now?.around ?? []) if (!next?.around.includes(one)) close(one, atMs);
    for (const one of next?.around ?? []) one.runsSinceMs ??= atMs;
    now = next;
  };
  const hook = createHook({
    before() {
      outer.push(now);
      switchTo(current());
    },
    after() {
      switchTo(outer.pop() ?? null);
    },
  }).enable();
  return {
    /** Runs the function as a turn. */
    run<T>(of: Turning, fn: () => T): T {
      const before = now;
      switchTo(of);
      try {
        return fn();
      } finally {
        switchTo(before);
      }
    },
    stop(): void {
      hook.disable();
    },
  };
}

/** Its last turn ends. */
export function close(one: Turning, atMs: number): void {
  const { turns, runsSinceMs: fromMs } = one;
  one.runsSinceMs = null;
  if (fromMs === null) return;
  const last = turns.length - 1;
  if (last > 0 && (fromMs - turns[last]! < SAME_TURN_MS || turns.length >= 2 * MAX_TURNS)) turns[last] = atMs;
  else turns.push(fromMs, atMs);
}
