import type { AsyncSite, Probe } from '../../../src/suspended/probe.ts';
import { monotonicMs } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { readStack, type TakenStack, takeStack, toFrame } from '../stack.ts';
import { belowHooks } from './sites.ts';

/** What still waits after this time is asked for. */
const RIPE_INTERVALS = 4;
/** Kept of one interval; of those beyond, the sample alone tells. */
const MAX_KEPT = 10_000;
/** Spent in one interval on what tells awaits from reactions, 4 to 30 µs each. Further ones are taken for awaits. */
const STACKS_MS = 8;
/** Enough for the top one of the program, below Node's own that call hooks. */
const STACK_FRAMES = 3;
/** Asked in one interval: each takes some 20 µs. */
const MAX_ASKED = 200;

/** A call that waits though it was not in the sample, and its await with what awaits it. */
export interface Waiting {
  awaited: object;
  made: object;
  frames: RawFrame[];
  startMs: number;
}

interface Interval {
  endMs: number;
  /** All that it had are kept or were in the sample. */
  complete: boolean;
}

// Loaded when it is first needed: a program that waits for nothing never pays for it.
const loadProbe = () => require('../../../src/suspended/probe.ts') as typeof import('../../../src/suspended/probe.ts');

/**
 * The awaited promises that the sample passed over: most settle at once, and those that do not are the ones to know.
 * V8 tells later who awaits them, so that no stack is taken now.
 */
export function createPassedOver() {
  /** By what V8 made for the await, which settles when the call goes on. Oldest first. */
  const kept = new Map<object, { awaited: object; interval: Interval; taken: TakenStack | null }>();
  let current: Interval = { endMs: 0, complete: true };
  const older: Interval[] = [];
  let added = 0;
  let stacksMs = 0;
  let probe: Probe | null = null;
  let supported = true;

  const ask = (promises: object[]): (AsyncSite[] | undefined)[] => {
    try {
      probe ??= loadProbe().createProbe();
      return probe.sites(promises);
    } catch (error) {
      probe = null;
      supported = (error as Error).name === 'BusyError';
      return [];
    }
  };
  const take = (hook: (...args: never[]) => unknown): TakenStack => {
    const from = monotonicMs();
    const taken = takeStack(STACK_FRAMES, hook);
    stacksMs += monotonicMs() - from;
    return taken;
  };

  return {
    /** `made`: what V8 made for the await, or the promise of a reaction, which somebody else may await. To be told by `hook`. */
    add(awaited: object, made: object, hook: (...args: never[]) => unknown): void {
      if (!supported || ++added > MAX_KEPT) {
        current.complete = false;
        return;
      }
      kept.set(made, { awaited, interval: current, taken: stacksMs < STACKS_MS ? take(hook) : null });
    },
    settled(made: object): void {
      kept.delete(made);
    },
    /** Those of an interval long enough ago; `isFollowed` tells whether the sample has an await of the promise. */
    ripe(now: number, isFollowed: (promise: object) => boolean): { waiting: Waiting[]; interval: Interval | null } {
      current.endMs = now;
      older.push(current);
      current = { endMs: 0, complete: true };
      added = 0;
      stacksMs = 0;
      const interval = older.length > RIPE_INTERVALS ? older.shift()! : null;
      const asked: { awaited: object; made: object }[] = [];
      let awaitedNow: Set<object> | null = null;
      for (const [made, entry] of kept) {
        if (entry.interval !== interval) break;
        awaitedNow ??= new Set([...kept.values()].map(({ awaited }) => awaited));
        kept.delete(made);
        if (awaitedNow.has(made) || isFollowed(made) || isReaction(entry.taken)) continue;
        if (asked.length < MAX_ASKED) asked.push({ awaited: entry.awaited, made });
        else interval.complete = false;
      }
      const waiting =
        asked.length === 0
          ? []
          : ask(asked.map(({ awaited }) => awaited)).flatMap((sites, i) => {
              const frames = (loadProbe().asyncSites(sites) as NodeJS.CallSite[]).map(toFrame);
              // Awaited by Promise.all: that has a promise of its own.
              if (!frames[0]?.[1]) return [];
              return [{ ...asked[i]!, frames, startMs: interval!.endMs }];
            });
      return { waiting, interval };
    },
    /** The interval that runs now. */
    interval: () => current,
  };
}

/** The promise leads to the same call as the one that its reaction settles. */
function isReaction(taken: TakenStack | null): boolean {
  if (!taken) return false;
  const top = belowHooks(readStack(taken))[0];
  return top === undefined || top[1] === null;
}
