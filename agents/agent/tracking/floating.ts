/** Calls whose result is not used. */
import { monotonicMs, NativeSet, NativeWeakRef } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { isPending, stateOf } from './promise-state.ts';
import type { Run } from './serial-runs.ts';
import { lose, type Started } from './sites.ts';
import { lighten } from './weights.ts';

/** A call whose result is not used within this time after it settled is floating. */
const FLOATING_AFTER_MS = 1500;
/** Younger ones are not asked whether they were collected. */
const YOUNG_MS = 1000;
/** Kept at a time. */
const MAX_SETTLED = 20_000;

/** A promise that is followed, or the call that awaits one. */
export interface FollowedPromise extends Started {
  ref: WeakRef<object>;
  /** From when it settles until its state is read: V8 calls the hook before the state changes, and it could be collected. */
  kept: object | null;
  /** call: something reacts to it, or may have begun to while nobody looked. */
  reacted: boolean;
  /** call: made directly by the application, which could have awaited it. */
  ownCaller: boolean;
  settledMs: number;
  floats: boolean;
  rejected: boolean;
  /** await: the call that awaits, if it has awaited before; and where it does, as V8 has it while a call waits. */
  run: Run | null;
  at: RawFrame | null;
}

export function followedPromise(started: Started, promise: object): FollowedPromise {
  return {
    ...started,
    ref: new NativeWeakRef(promise),
    kept: null,
    reacted: false,
    ownCaller: false,
    settledMs: 0,
    floats: false,
    rejected: false,
    run: null,
    at: null,
  };
}

/** Finds the oldest of each site, and what was lost. */
export function checkFollowed(followed: Set<FollowedPromise>, now: number): void {
  for (const one of followed) {
    if (now - one.startMs > YOUNG_MS && one.ref.deref() === undefined) {
      followed.delete(one);
      lose(one);
    } else if (one.startMs < one.site.oldestStart) one.site.oldestStart = one.startMs;
  }
}

/** After a pause: pending still. What reacted to it meanwhile is not known, nor how many others waited like it. */
export function waitsStill(one: FollowedPromise): boolean {
  const promise = one.ref.deref();
  if (promise === undefined || !isPending(promise)) return false;
  lighten(one);
  one.reacted = true;
  return true;
}

/** Calls that have settled, and to whose result nothing has reacted yet. */
export class SettledCalls {
  readonly #settled = new NativeSet<FollowedPromise>();

  add(one: FollowedPromise): void {
    if (one.site.what !== 'call' || !one.ownCaller || one.reacted) return;
    one.settledMs = monotonicMs();
    if (this.#settled.size >= MAX_SETTLED) return;
    one.kept = one.ref.deref() ?? null;
    this.#settled.add(one);
  }

  /** Soon after: their state has changed by then. */
  askStates(): void {
    for (const one of this.#settled) {
      if (one.reacted) this.#settled.delete(one);
      else if (one.kept) one.rejected = stateOf(one.kept) === 'rejected';
      one.kept = null;
    }
  }

  check(now: number): void {
    for (const one of this.#settled) {
      if (one.reacted) this.#settled.delete(one);
      else if (now - one.settledMs > FLOATING_AFTER_MS) {
        this.#settled.delete(one);
        float(one);
      }
    }
  }

  clear(): void {
    this.#settled.clear();
  }
}

function float(one: FollowedPromise): void {
  one.floats = true;
  one.site.floating += one.weight;
  if (one.rejected) one.site.rejected += one.weight;
}

/** Perhaps late: then it does not float. */
export function react(one: FollowedPromise): void {
  if (one.reacted) return;
  one.reacted = true;
  if (!one.floats) return;
  one.site.floating -= one.weight;
  if (one.rejected) one.site.rejected -= one.weight;
}
