import { NativeMap } from '../../primordials.ts';
import { createAsking, createStacks, type Hook } from './asking.ts';
import type { Passed } from './awaiting.ts';
import type { Late } from './late-sites.ts';

/** What still waits after this time is asked for. */
const RIPE_INTERVALS = 4;
/** Kept per interval; further ones are known only by the sample. */
const MAX_KEPT = 10_000;

interface Interval {
  endMs: number;
  /** All that it had are kept or were in the sample. */
  complete: boolean;
}

/**
 * The awaited promises that the sample missed: most settle at once, and the others are the interesting ones.
 * V8 reports later who awaits them, so that hardly any stack is taken now. Not a class: it is called for each promise, and closures are faster.
 */
export function createPassedOver() {
  /** What is awaited, by what V8 made for the await, which settles when the call goes on. The number of an interval follows its entries. */
  const kept = new NativeMap<object, object>();
  const stacks = createStacks();
  const asking = createAsking(stacks);
  const older: Interval[] = [];
  let current: Interval = { endMs: 0, complete: true };
  let added = 0;

  const endInterval = (now: number): Interval | null => {
    current.endMs = now;
    kept.set(current, current);
    older.push(current);
    current = { endMs: 0, complete: true };
    added = 0;
    return older.length > RIPE_INTERVALS ? older.shift()! : null;
  };
  return {
    awaiting: asking.awaiting,
    /** `made`: what V8 made for the await, or the promise of a reaction, which other code may await. Called by `hook`. */
    add(awaited: object, made: object, hook: Hook): void {
      if (!asking.isSupported() || ++added > MAX_KEPT) {
        current.complete = false;
        return;
      }
      kept.set(made, awaited);
      stacks.take(made, hook);
    },
    settled(made: object): void {
      kept.delete(made);
    },
    /** Those of an interval long enough ago; `isFollowed` says whether the sample has an await of the promise. */
    ripe(now: number, isFollowed: (promise: object) => boolean): Late & { interval: Interval | null } {
      const interval = endInterval(now);
      const old = interval ? takeOut(kept, interval) : [];
      stacks.newInterval(old.length > 0);
      if (!interval) return { waiting: [], reactions: [], interval };
      const { complete, ...late } = asking.ask(old, interval.endMs, isFollowed);
      if (!complete) interval.complete = false;
      return { ...late, interval };
    },
    /** Nobody will see them settle: some of them are asked when the pause is over. */
    pause(now: number): void {
      asking.keepSome(kept, now);
      kept.clear();
      older.length = 0;
      current = { endMs: 0, complete: true };
      added = 0;
    },
    /** Those that waited before the pause and wait still. */
    afterPause: asking.afterPause,
    /** Of what is spent at most, from now on. */
    setShare: stacks.setShare,
    /** Time that stacks took since the last call. */
    spent: stacks.spent,
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
