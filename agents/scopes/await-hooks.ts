import { AsyncLocalStorage } from 'node:async_hooks';
import { type TakenStack, takeStack } from '../agent/stack.ts';
import { monotonicMs } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import { addTo, type Holder, type Join, type Suspended, toEnded } from './awaits.ts';
import { followTurns } from './turns.ts';

/** Frames taken of each await, and of what is awaited: the function whose result it is. */
const FRAMES = 24;
const RESULT_FRAMES = 3;
/** This many awaits are all followed, at 30–90 µs each, then one in ten at random; the most in total. */
const ALL_AWAITS = 10_000;
const ONE_IN = 10;
const MAX_AWAITS = 100_000;
/** Stacks that are held until they are read: a kB each. All of them take some ms to read, in the middle of the program. */
const MAX_UNREAD = 200;
/** The most arguments of a combinator that are followed. */
const MAX_JOINED = 10;

// Kept from before the application could replace it.
const { random } = Math;

/**
 * V8's promise hooks, while a profile is open: with one enabled, V8 makes a promise for each await, whose parent is what
 * is awaited, and calls `before` on it when the function goes on.
 */
export class AwaitHooks {
  /** The profile to which the running code belongs. */
  readonly storage = new AsyncLocalStorage<Holder>();
  readonly turns = followTurns(() => this.storage.getStore() ?? null);
  readonly #suspended = new WeakMap<object, Suspended>();
  readonly #results = new WeakMap<object, TakenStack>();
  readonly #joins = new WeakMap<object, Join>();
  #lastMade: object | null = null;
  #lastAlone: object | null = null;
  #inside = false;
  readonly #unhook: () => void;

  constructor() {
    this.#unhook = hookPromises({ init: this.#init, before: this.#resumed, settled: this.#drop });
  }

  /** Reading stacks makes no promises, but what formats them may. */
  read(holder: Holder): void {
    this.#inside = true;
    try {
      for (const one of holder.ended.splice(0)) addTo(holder, one);
    } finally {
      this.#inside = false;
    }
  }

  stop(): void {
    this.turns.stop();
    this.#unhook();
    this.storage.disable();
  }

  /** Stacks are taken above it. */
  readonly #init = (promise: object, parent?: object): void => {
    if (this.#inside) return;
    const holder = this.storage.getStore();
    if (!holder || holder.around.every(({ closed }) => closed)) return;
    const before = this.#lastMade;
    this.#lastMade = promise;
    if (parent === undefined) {
      this.#lastAlone = promise;
      if (holder.taken < MAX_AWAITS) this.#results.set(promise, takeStack(RESULT_FRAMES, this.#init));
      return;
    }
    // Promise.all and the like make their own promise first, and then one for each of their arguments.
    const alone = this.#lastAlone;
    if (alone && alone !== parent) this.#join(alone, this.#results.get(parent));
    // The promise made just before is not an await: the wrapper of a value or a thenable, or a reaction by `then`.
    if (before === parent) this.#drop(parent);
    const weight = holder.taken < ALL_AWAITS ? 1 : ONE_IN;
    if (weight > 1 && random() * weight >= 1) return;
    if (holder.taken++ >= MAX_AWAITS) {
      holder.unfollowed += weight;
      return;
    }
    const one: Suspended = {
      fromMs: monotonicMs(),
      taken: takeStack(FRAMES, this.#init),
      // No call that has awaited something itself either.
      result: before === parent ? null : (this.#results.get(parent) ?? null),
      joined: this.#joins.get(parent) ?? null,
      holders: holder.around,
      weight,
    };
    this.#suspended.set(promise, one);
    for (const each of holder.around) if (!each.closed) each.open.add(one);
  };

  #join(promise: object, made: TakenStack | undefined): void {
    if (!made) return;
    const known = this.#joins.get(promise);
    if (!known) this.#joins.set(promise, { at: takeStack(RESULT_FRAMES + 1, this.#join), of: [made] });
    else if (known.of.length < MAX_JOINED) known.of.push(made);
  }

  /** The promise of an await settles when the call has gone on: the others are not awaits. */
  readonly #drop = (promise: object): void => {
    const one = this.#suspended.get(promise);
    if (!one) return;
    this.#suspended.delete(promise);
    one.holders[0]!.taken--;
    for (const each of one.holders) each.open.delete(one);
  };

  readonly #resumed = (promise: object): void => {
    const one = this.#suspended.get(promise);
    if (!one) return;
    this.#suspended.delete(promise);
    const now = monotonicMs();
    for (const holder of one.holders) {
      if (!holder.open.delete(one)) continue;
      holder.ended.push(toEnded(one, now, false, holder));
      if (holder.ended.length >= MAX_UNREAD) this.read(holder);
    }
  };
}
