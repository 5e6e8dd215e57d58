import { readStack, type TakenStack, takeStack } from '../agent/stack.ts';
import { belowHooks, isNodes } from '../agent/tracking/sites.ts';
import { monotonicMs } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import type { RawFrame } from '../shared-memory.ts';

/** Frames taken of each promise. */
const FRAMES = 24;
/** Stacks taken for one scope: some 5 µs each. Further awaits are counted, without their line. */
const MAX_STACKS = 100_000;

/** One await that has not resumed. */
export interface FollowedCall {
  startMs: number;
  taken: TakenStack | null;
  /** What it awaits. */
  awaited: object;
  frames: RawFrame[] | null;
}

/** What a scope has of its calls. */
export interface CallHolder {
  calls: Set<FollowedCall>;
  stacks: number;
  untracked: number;
}

interface Known {
  holders: readonly CallHolder[];
  call: FollowedCall;
}

/**
 * Follows every await that is made for a scope until it resumes.
 *
 * While a hook is enabled, V8 makes a promise for each await, whose parent is what is awaited. Its `before` is the
 * resumption. The wrapper of a value that is not a promise looks the same, and settles at once. The stack is taken when the
 * promise is made, and formatted only for the few that are left.
 */
export function followCalls(currentHolders: () => readonly CallHolder[] | null, maxCalls: number) {
  const awaits = new WeakMap<object, Known>();
  const results = new WeakMap<object, TakenStack | RawFrame[]>();
  let inside = false;

  const init = (promise: object, parent?: object): void => {
    if (inside) return;
    const holders = currentHolders();
    const own = holders?.[0];
    if (!holders || !own) return;
    const taken = own.stacks++ < MAX_STACKS ? takeStack(FRAMES) : null;
    if (parent === undefined) {
      if (taken) results.set(promise, taken);
      return;
    }
    const call: FollowedCall = { startMs: monotonicMs(), taken, awaited: parent, frames: null };
    awaits.set(promise, { holders, call });
    for (const holder of holders) {
      if (holder.calls.size < maxCalls) holder.calls.add(call);
      else holder.untracked++;
    }
  };
  const ended = (promise: object): void => {
    const known = awaits.get(promise);
    if (!known) return;
    awaits.delete(promise);
    for (const { calls } of known.holders) calls.delete(known.call);
  };
  const stop = hookPromises({ init, before: ended, settled: ended });

  /** Reading stacks makes no promises, but what formats them may. */
  const read = (taken: TakenStack): RawFrame[] => {
    inside = true;
    try {
      return belowHooks(readStack(taken));
    } finally {
      inside = false;
    }
  };
  /** Whether the promise is the result of an async function of the application: then that one is suspended itself. */
  const isOwnResult = (promise: object): boolean => {
    const result = results.get(promise);
    if (!result) return false;
    const frames = Array.isArray(result) ? result : read(result);
    results.set(promise, frames);
    return frames[0] !== undefined && !isNodes(frames[0]);
  };

  return {
    /** The stack of a suspended call, or null if it is not the application's, or waits for one that is. */
    suspendedFrames(call: FollowedCall): RawFrame[] | null {
      if (call.taken === null) return [];
      call.frames ??= read(call.taken);
      // A built-in on top: a reaction by `then`. Node's own calls are awaited by those of the application.
      if (!call.frames[0] || isNodes(call.frames[0]) || isOwnResult(call.awaited)) return null;
      return call.frames;
    },
    stop,
  };
}
export type FollowedCalls = ReturnType<typeof followCalls>;
