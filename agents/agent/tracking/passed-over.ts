import { monotonicMs, NativeMap, NativeWeakMap } from '../../primordials.ts';
import { readStack, type TakenStack, takeStack } from '../stack.ts';
import { Awaiting, type Passed, type Waiting } from './awaiting.ts';
import { belowHooks } from './sites.ts';

/** What still waits after this time is asked for. */
const RIPE_INTERVALS = 4;
/** Kept per interval; further ones are known only by the sample. */
const MAX_KEPT = 10_000;
/**
 * Time per interval to tell awaits from reactions, 4 to 30 µs each: more if the last ones were useful.
 * Further ones are distinguished by V8 alone, which counts a call that awaits `return promise` twice.
 */
const STACKS_MS = { idle: 1, useful: 8 } as const;
/** Enough for the top one of the program, below Node's own that call hooks. */
const STACK_FRAMES = 3;
/** Asked in one interval: each takes some 20 µs, and as much again if it is an await. */
const MAX_ASKED = 200;

interface Interval {
  endMs: number;
  /** All that it had are kept or were in the sample. */
  complete: boolean;
}

type Hook = (...args: never[]) => unknown;

/**
 * The awaited promises that the sample missed: most settle at once, and the others are the interesting ones.
 * V8 reports later who awaits them, so that hardly any stack is taken now. Not a class: it is called for each promise, and closures are faster.
 */
export function createPassedOver() {
  /** What is awaited, by what V8 made for the await, which settles when the call goes on. The number of an interval follows its entries. */
  const kept = new NativeMap<object, object>();
  const stacks = new NativeWeakMap<object, TakenStack>();
  const awaiting = new Awaiting();
  const older: Interval[] = [];
  let current: Interval = { endMs: 0, complete: true };
  let isKeeping = true;
  let added = 0;
  let stacksMs = 0;
  let mostStacksMs: number = STACKS_MS.idle;

  const take = (made: object, hook: Hook): void => {
    const from = monotonicMs();
    stacks.set(made, takeStack(STACK_FRAMES, hook));
    stacksMs += monotonicMs() - from;
  };
  const endInterval = (now: number): Interval | null => {
    current.endMs = now;
    kept.set(current, current);
    older.push(current);
    current = { endMs: 0, complete: true };
    added = 0;
    stacksMs = 0;
    return older.length > RIPE_INTERVALS ? older.shift()! : null;
  };
  return {
    awaiting,
    /** `made`: what V8 made for the await, or the promise of a reaction, which other code may await. Called by `hook`. */
    add(awaited: object, made: object, hook: Hook): void {
      if (!isKeeping || ++added > MAX_KEPT) {
        current.complete = false;
        return;
      }
      kept.set(made, awaited);
      if (stacksMs < mostStacksMs) take(made, hook);
    },
    settled(made: object): void {
      kept.delete(made);
    },
    /** Those of an interval long enough ago; `isFollowed` says whether the sample has an await of the promise. */
    ripe(now: number, isFollowed: (promise: object) => boolean): { waiting: Waiting[]; interval: Interval | null } {
      const interval = endInterval(now);
      const old = interval ? takeOut(kept, interval) : [];
      mostStacksMs = old.length > 0 ? STACKS_MS.useful : STACKS_MS.idle;
      if (!interval) return { waiting: [], interval };
      const candidates = old.filter(({ made }) => !isFollowed(made) && !isReaction(stacks.get(made)));
      if (candidates.length > MAX_ASKED) {
        candidates.length = MAX_ASKED;
        interval.complete = false;
      }
      const waiting = awaiting.of(candidates, interval.endMs);
      isKeeping = awaiting.isSupported();
      return { waiting, interval };
    },
    /** The current interval. */
    interval: () => current,
  };
}

/** Those of the interval that still wait. */
function takeOut(kept: Map<object, object>, interval: Interval): Passed[] {
  const found = [];
  for (const [made, awaited] of kept) {
    kept.delete(made);
    if (made === interval) break;
    found.push({ awaited, made });
  }
  return found;
}

/** By its stack it is the promise of a reaction. */
function isReaction(taken: TakenStack | undefined): boolean {
  if (!taken) return false;
  const top = belowHooks(readStack(taken))[0];
  return top === undefined || top[1] === null;
}
