/** Which of the promises that the sample passed over a call awaits: by stacks that were taken when they were made, and by V8. */
import { ceil, max, min, monotonicMs, NativeWeakMap, NativeWeakRef, random } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { isNotOurs, readStack, type TakenStack, takeStack, toFrame, urlOf } from '../stack.ts';
import { Awaiting, type Passed, type Waiting } from './awaiting.ts';
import { isHook } from './sites.ts';

/**
 * Time per interval to tell awaits from reactions, 4 to 30 µs each: more if the last ones were useful.
 * Further ones are distinguished by V8 alone, which counts a call that awaits `return promise` twice.
 */
const STACKS_MS = { idle: 1, useful: 8 } as const;
/** What took longer had to wait for a core. */
const MOST_STACK_MS = 0.1;
/** Enough for the place of a reaction and who called it, below Node's own that call hooks: a reaction that waits for long is followed with it. */
const STACK_FRAMES = 10;
/** Asked in one interval, or after a pause: each takes some 20 µs, and as much again where it is an await. */
const MAX_ASKED = 200;

export type Hook = (...args: never[]) => unknown;
type Stacks = ReturnType<typeof createStacks>;
type Test = (promise: object) => boolean;

/** Stacks of what is made, for so much time of each interval. */
export function createStacks() {
  const stacks = new NativeWeakMap<object, TakenStack>();
  let tookMs = 0;
  let mostMs: number = STACKS_MS.idle;
  let share = 1;
  let spentMs = 0;
  return {
    get: (made: object) => stacks.get(made),
    take(made: object, hook: Hook): void {
      if (tookMs >= mostMs) return;
      const from = monotonicMs();
      stacks.set(made, takeStack(STACK_FRAMES, hook));
      const ms = min(MOST_STACK_MS, monotonicMs() - from);
      tookMs += ms;
      spentMs += ms;
    },
    newInterval(wereUseful: boolean): void {
      tookMs = 0;
      mostMs = share * (wereUseful ? STACKS_MS.useful : STACKS_MS.idle);
    },
    share: () => share,
    setShare(next: number): void {
      share = min(1, next);
    },
    spent(): number {
      const ms = spentMs;
      spentMs = 0;
      return ms;
    },
  };
}

/** So many of them, at random. */
function someOf(kept: Map<object, object>, most: number): { awaited: WeakRef<object>; made: WeakRef<object> }[] {
  const chance = most / max(1, kept.size);
  const found = [];
  for (const [made, awaited] of kept) {
    if (made === awaited || random() >= chance) continue;
    found.push({ awaited: new NativeWeakRef(awaited), made: new NativeWeakRef(made) });
  }
  return found;
}

/** Asks V8 about them; some of those that wait when a pause begins are asked when it is over. */
export function createAsking(stacks: Stacks) {
  const awaiting = new Awaiting();
  let late: ReturnType<typeof someOf> = [];
  let lateMs = 0;
  const ask = (passed: Passed[], startMs: number, isFollowed: Test) => {
    const most = ceil(stacks.share() * MAX_ASKED);
    const candidates: Passed[] = [];
    const reactions: Waiting[] = [];
    for (let i = 0; i < passed.length && candidates.length <= most && reactions.length < most; i++) {
      const one = passed[i]!;
      if (isFollowed(one.made)) continue;
      const frames = reactionFrames(stacks.get(one.made));
      if (frames) reactions.push({ ...one, frames, startMs });
      else candidates.push(one);
    }
    const complete = candidates.length <= most && reactions.length < most;
    if (candidates.length > most) candidates.length = most;
    return { waiting: awaiting.of(candidates, startMs), reactions, complete };
  };
  return {
    ask,
    awaiting,
    /** V8 has reported so far. */
    isSupported: () => awaiting.isSupported(),
    keepSome(kept: Map<object, object>, now: number): void {
      late = someOf(kept, stacks.share() * MAX_ASKED);
      lateMs = now;
    },
    afterPause(isPending: Test, isFollowed: Test): Pick<ReturnType<typeof ask>, 'waiting' | 'reactions'> {
      const passed = late.flatMap((refs) => {
        const [awaited, made] = [refs.awaited.deref(), refs.made.deref()];
        return awaited && made && isPending(awaited) ? [{ awaited, made }] : [];
      });
      late = [];
      return ask(passed, lateMs, isFollowed);
    },
  };
}

/** The frames of what its stack says is a reaction; null if it is none, or has no stack. */
function reactionFrames(taken: TakenStack | undefined): RawFrame[] | null {
  if (!taken) return null;
  let isReaction = false;
  const frames = readStack(taken, (sites) => {
    const made = sites.filter((site) => isNotOurs(site) && !isHook(urlOf(site)));
    // The function that awaits is on top of the stack of an await: the rest of that is not needed.
    isReaction = made[0] === undefined || urlOf(made[0]) === null;
    return isReaction ? made.map(toFrame) : [];
  });
  return isReaction ? frames : null;
}
