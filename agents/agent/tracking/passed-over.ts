import type { Probe } from '../../../src/async-dump/probe.ts';
import { monotonicMs, NativeMap, NativeWeakMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { readStack, type TakenStack, takeStack, toFrame } from '../stack.ts';
import { belowHooks } from './sites.ts';

/** What still waits after this time is asked for. */
const RIPE_INTERVALS = 4;
/** Kept of one interval; of those beyond, the sample alone tells. */
const MAX_KEPT = 10_000;
/**
 * Spent in one interval on what tells awaits from reactions, 4 to 30 µs each: more where the last ones were of use.
 * Further ones are told apart by V8 alone, which takes a call that awaits `return promise` twice.
 */
const STACKS_MS = { idle: 1, useful: 8 } as const;
/** Enough for the top one of the program, below Node's own that call hooks. */
const STACK_FRAMES = 3;
/** Asked in one interval: each takes some 20 µs, and as much again where it is an await. */
const MAX_ASKED = 200;

/** A call that waits though it was not in the sample, and its await with what awaits it. */
export interface Waiting {
  awaited: object;
  made: object;
  frames: RawFrame[];
  startMs: number;
}

export interface Interval {
  endMs: number;
  /** All that it had are kept or were in the sample. */
  complete: boolean;
}

// Loaded when it is first needed: a program that waits for nothing never pays for it.
const loadProbe = () =>
  require('../../../src/async-dump/probe.ts') as typeof import('../../../src/async-dump/probe.ts');

type Hook = (...args: never[]) => unknown;
type Passed = Pick<Waiting, 'awaited' | 'made'>;

/**
 * The awaited promises that the sample passed over: most settle at once, and those that do not are the ones to know.
 * V8 tells later who awaits them, so that hardly a stack is taken now.
 */
export class PassedOver {
  /** What is awaited, by what V8 made for the await, which settles when the call goes on. Behind all of an interval stands the interval. */
  readonly #kept = new NativeMap<object, object>();
  readonly #stacks = new NativeWeakMap<object, TakenStack>();
  readonly #older: Interval[] = [];
  #current: Interval = { endMs: 0, complete: true };
  #added = 0;
  #stacksMs = 0;
  #mostStacksMs: number = STACKS_MS.idle;
  #probe: Probe | null = null;
  #supported = true;

  /** `made`: what V8 made for the await, or the promise of a reaction, which somebody else may await. To be told by `hook`. */
  add(awaited: object, made: object, hook: Hook): void {
    if (!this.#supported || ++this.#added > MAX_KEPT) {
      this.#current.complete = false;
      return;
    }
    this.#kept.set(made, awaited);
    if (this.#stacksMs < this.#mostStacksMs) this.#take(made, hook);
  }

  settled(made: object): void {
    this.#kept.delete(made);
  }

  /** The interval that runs now. */
  interval(): Interval {
    return this.#current;
  }

  /** Those of an interval long enough ago; `isFollowed` tells whether the sample has an await of the promise. */
  ripe(now: number, isFollowed: (promise: object) => boolean): { waiting: Waiting[]; interval: Interval | null } {
    this.#endInterval(now);
    const interval = this.#older.length > RIPE_INTERVALS ? this.#older.shift()! : null;
    if (!interval) {
      this.#mostStacksMs = STACKS_MS.idle;
      return { waiting: [], interval };
    }
    const old = this.#survivors(interval);
    this.#mostStacksMs = old.length > 0 ? STACKS_MS.useful : STACKS_MS.idle;
    const candidates = old.filter(({ made }) => !isFollowed(made) && !isReaction(this.#stacks.get(made)));
    if (candidates.length > MAX_ASKED) {
      candidates.length = MAX_ASKED;
      interval.complete = false;
    }
    return { waiting: this.#awaiting(candidates, interval.endMs), interval };
  }

  #endInterval(now: number): void {
    this.#current.endMs = now;
    this.#kept.set(this.#current, this.#current);
    this.#older.push(this.#current);
    this.#current = { endMs: 0, complete: true };
    this.#added = 0;
    this.#stacksMs = 0;
  }

  /** Those of the interval that wait still. */
  #survivors(interval: Interval): Passed[] {
    const found = [];
    for (const [made, awaited] of this.#kept) {
      this.#kept.delete(made);
      if (made === interval) break;
      found.push({ awaited, made });
    }
    return found;
  }

  #awaiting(candidates: Passed[], startMs: number): Waiting[] {
    const told = this.#ask(candidates.map(({ awaited }) => awaited));
    // Awaited by Promise.all: that has a promise of its own.
    const awaited = candidates.flatMap((one, i) => (told[i]?.[0]?.[1] ? [{ ...one, frames: told[i] }] : []));
    // What V8 makes for an await leads nowhere; what a reaction settles leads to the same call.
    const beyond = this.#ask(awaited.map(({ made }) => made));
    return awaited.filter((_, i) => beyond[i]?.length === 0).map((one) => ({ ...one, startMs }));
  }

  /** The frames of the calls that await each, innermost first; empty where there are none. */
  #ask(promises: object[]): RawFrame[][] {
    if (promises.length === 0) return [];
    try {
      this.#probe ??= loadProbe().createProbe();
      const asked = this.#probe.sites(promises);
      return asked.map((sites) => (loadProbe().asyncSites(sites) as NodeJS.CallSite[]).map(toFrame));
    } catch (error) {
      this.#probe = null;
      this.#supported = (error as { code?: unknown } | null)?.code === 'EVDIAG_BUSY';
      return promises.map(() => []);
    }
  }

  #take(made: object, hook: Hook): void {
    const from = monotonicMs();
    this.#stacks.set(made, takeStack(STACK_FRAMES, hook));
    this.#stacksMs += monotonicMs() - from;
  }
}

/** Its stack says that it is the promise of a reaction. */
function isReaction(taken: TakenStack | undefined): boolean {
  if (!taken) return false;
  const top = belowHooks(readStack(taken))[0];
  return top === undefined || top[1] === null;
}
