import { isOff, type Sensor } from '../../guard.ts';
import { monotonicMs, NativeSet, NativeWeakMap } from '../../primordials.ts';
import { hookPromises, type PromiseCallbacks } from '../../promise-hooks.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawWaiting } from '../../tracked.ts';
import { isCombinator, waitingChains } from './chains.ts';
import { checkFollowed, type FollowedPromise, followedPromise, react, SettledCalls, waitsStill } from './floating.ts';
import { Heavy } from './heavy.ts';
import { countOnOne, type Known, knownOf } from './known-promise.ts';
import { type Late, lateSites } from './late-sites.ts';
import { createPassedOver } from './passed-over.ts';
import { callerOf, isApplications, isNodesOwn, sortOf } from './promise-sorts.ts';
import { isPending, stateOf } from './promise-state.ts';
import { createSampling } from './sampling.ts';
import { SerialRuns } from './serial-runs.ts';
import { SerialWalks } from './serial-walks.ts';
import { begin, currentFrames, end, endUnseen, innermostFiles, type Site, type Sites } from './sites.ts';

/** Of each second, for the stacks of those that are followed: at first, and at most. */
const BUDGET_MS = 20;
/** Frames that are read if the application is on top: fewer than if it may be below Node's own. */
const OWN_FRAMES = 10;
/** Promises followed at a time; and while nothing is hooked: whether each has settled is asked before the next window, for some 2 µs. */
const MAX_FOLLOWED = 20_000;
const MAX_WAITING = 2000;
/** A mask: one in so many promises. */
const MANY = 0xfff;

/**
 * Follows a sample of promises from their creation until they settle, or are collected as garbage.
 *
 * V8 makes a promise for each `await` while a hook is enabled, whose parent is what is awaited: it represents the
 * suspended call, and settles when that has gone on. The awaited promise is too early: the hook is called for it when it
 * is resolved with another promise, which may be pending.
 */
export class FollowedPromises {
  readonly #sites: Sites;
  readonly #onMade: () => void;
  readonly #sensor: Sensor;
  readonly #onMany: () => void;
  readonly #known = new NativeWeakMap<object, Known>();
  readonly #followed = new NativeSet<FollowedPromise>();
  readonly #settled = new SettledCalls();
  readonly #sampling = createSampling(BUDGET_MS);
  readonly #passedOver = createPassedOver();
  readonly serial = new SerialRuns();
  readonly #walks: SerialWalks;
  readonly #heavy = new Heavy();
  readonly #hook: (promise: object, parent?: object) => void;
  readonly #callbacks: Required<Pick<PromiseCallbacks, 'init' | 'settled'>>;
  readonly #counts = { settled: 0, made: 0 };
  #unhook: (() => void) | null = null;
  #inside = false;

  /** `onMany`: called within a hook, each time that so many have been made. */
  constructor(sites: Sites, onMade: () => void, sensor: Sensor, onMany = (): void => {}) {
    this.#onMany = onMany;
    this.#sites = sites;
    this.#onMade = onMade;
    this.#sensor = sensor;
    this.#walks = new SerialWalks(this.serial, this.#known, sensor, (promises) =>
      this.#unseen(() => this.#passedOver.awaiting.chains(promises)),
    );
    this.#callbacks = this.#createCallbacks();
    this.#hook = this.#callbacks.init;
    this.resume();
  }

  /** Sees what is made and settles from now on. */
  resume(): void {
    this.#unhook ??= hookPromises(this.#callbacks);
  }

  /** Sees nothing from now on; those that wait are known still, as many as can be asked later. */
  pause(): void {
    this.#unhook?.();
    this.#unhook = null;
    this.#settled.clear();
    const now = monotonicMs();
    this.#passedOver.pause(now);
    this.serial.pause();
    this.#walks.pause();
    this.#heavy.clear();
    for (const one of this.#followed) {
      if (this.#followed.size <= MAX_WAITING) break;
      this.#endUnseen(one, now);
    }
  }

  /** After a pause: which of them are pending still. What reacted to these meanwhile is not known, nor how many others waited like them. */
  verify(): void {
    const now = monotonicMs();
    for (const one of this.#followed) {
      if (!waitsStill(one)) this.#endUnseen(one, now);
    }
    this.#unseen(() => this.#addLate(this.#passedOver.afterPause(isPending, this.#isAwaited)));
  }

  /** Of each second, as a share of the most. */
  setBudget(share: number): void {
    this.#sampling.setBudget(BUDGET_MS * share);
    this.#passedOver.setShare(share);
    this.#walks.setShare(share);
  }

  /** What happened since the last call: how many settled, and what stacks took. */
  spent(): { settled: number; stacksMs: number } {
    const { settled } = this.#counts;
    this.#counts.settled = 0;
    return { settled, stacksMs: this.#sampling.spent() + this.#passedOver.spent() + this.#walks.spent() };
  }

  /** Returns how many promises were made since the last call. */
  adapt(intervalMs: number): number {
    this.#settled.askStates();
    this.#walks.newInterval();
    this.#unseen(() => this.#addPassedOver());
    return this.#sampling.adapt(intervalMs);
  }

  /** Finds the oldest of each site, and what was lost. */
  check(): void {
    const now = monotonicMs();
    checkFollowed(this.#followed, now);
    this.#settled.check(now);
  }

  /** The site of the call whose result the promise is, if it was followed. */
  siteOf(promise: object): Site | null {
    return this.#known.get(promise)?.own?.site ?? null;
  }

  whenSettled(promise: object, callback: () => void): void {
    knownOf(this.#known, promise).onSettled = callback;
  }

  /** What has waited for long, and who awaits it. */
  chains(now: number): RawWaiting[] {
    return this.#unseen(() => waitingChains(this.#followed, this.#sites.byId, this.#passedOver.awaiting, now));
  }

  stop(): void {
    this.#unhook?.();
    this.#followed.clear();
    this.#settled.clear();
  }

  /** They are called for each promise: they use local variables, which is faster than fields. */
  #createCallbacks(): Required<Pick<PromiseCallbacks, 'init' | 'settled'>> {
    const sensor = this.#sensor;
    const onMade = this.#onMade;
    const known = this.#known;
    const sampling = this.#sampling;
    const passedOver = this.#passedOver;
    const counts = this.#counts;
    const onMany = this.#onMany;
    // For an await, and nothing else was made or has settled since.
    let lastMade: object | null = null;
    let lastAwaited: object | null = null;
    const callbacks = {
      init: (promise: object, parent?: object) => {
        try {
          if (isOff(sensor)) return;
          onMade();
          if ((++counts.made & MANY) === 0) onMany();
          if (parent !== undefined) {
            const own = known.get(parent)?.own;
            if (own) react(own);
          }
          if (this.#inside) return;
          if (sampling.next() && this.#followed.size < MAX_FOLLOWED) this.#choose(promise, parent);
          else if (parent !== undefined) passedOver.add(parent, promise, callbacks.init);
          lastMade = parent === undefined ? null : promise;
          lastAwaited = parent ?? null;
        } catch (error) {
          sensor.caught = { error };
        }
      },
      settled: (promise: object) => {
        try {
          if (isOff(sensor)) return;
          counts.settled++;
          const entry = known.get(promise);
          if (entry !== undefined) this.#settle(entry, lastMade, lastAwaited);
          lastMade = null;
          passedOver.settled(promise);
        } catch (error) {
          sensor.caught = { error };
        }
      },
    };
    return callbacks;
  }

  #settle({ own, walked, onSettled }: Known, made: object | null, awaited: object | null): void {
    if (own) {
      this.#finish(own);
      if (own.site.what === 'await') this.#walks.wentOn(own, made, awaited);
      else this.#settled.add(own);
    } else if (walked) this.#walks.wentOn(walked, made, awaited);
    onSettled?.();
  }

  #endUnseen(one: FollowedPromise, now: number): void {
    this.#followed.delete(one);
    endUnseen(one, now);
  }

  #finish(one: FollowedPromise): void {
    if (this.#followed.delete(one)) end(one, monotonicMs());
  }

  #choose(promise: object, parent: object | undefined): void {
    this.#unseen(() => this.#sampling.spend(() => this.#sample(promise, parent)));
  }

  /** The promises that the job makes are ours. */
  #unseen<T>(job: () => T): T {
    this.#inside = true;
    try {
      return job();
    } finally {
      this.#inside = false;
    }
  }

  #sample(promise: object, parent: object | undefined): void {
    const files = innermostFiles(this.#hook);
    if (isNodesOwn(files, parent !== undefined)) return;
    const frames = currentFrames(this.#hook, parent === undefined && files[0] === null ? undefined : OWN_FRAMES);
    const sort = sortOf(frames, parent !== undefined);
    if (!sort || !isApplications(sort.what, frames)) return;
    if (sort.what === 'await') {
      this.#sampleAwait(promise, parent!, frames);
      return;
    }
    const site = this.#sites.here(sort.what, sort.type, '', sort.what === 'call' ? callerOf(frames) : frames);
    if (!site) return;
    const one = sort.what === 'reaction' ? this.#addReaction(site, parent!, promise) : this.#follow(site, promise);
    if (sort.what === 'call') site.callee ??= frames[0]!;
    one.ownCaller = sort.what === 'call' && frames[1]![4] !== 1;
    knownOf(this.#known, promise).own = one;
  }

  #addReaction(site: Site, parent: object, promise: object, startMs?: number, weight?: number): FollowedPromise {
    const one = this.#follow(site, isCombinator(site) ? parent : promise, startMs, weight);
    countOnOne(site, knownOf(this.#known, parent), one.weight);
    this.#heavy.add(one, this.#passedOver.interval());
    knownOf(this.#known, promise).own = one;
    return one;
  }

  #sampleAwait(promise: object, parent: object, frames: RawFrame[]): void {
    const site = this.#sites.here('await', '', '', frames);
    if (!site) return;
    const one = this.#follow(site, parent);
    if (stateOf(parent) !== 'pending') {
      this.#finish(one);
      // The call goes on at once, and may wait at its next await.
      if (one.weight === 1) knownOf(this.#known, promise).own = one;
      return;
    }
    this.#addAwait(one, parent, promise);
    this.#heavy.add(one, this.#passedOver.interval());
    this.#walks.begins(one, parent);
  }

  /** The promise of an await settles when the call has gone on. */
  #addAwait(one: FollowedPromise, parent: object, made: object): void {
    knownOf(this.#known, made).own = one;
    const awaited = knownOf(this.#known, parent);
    awaited.awaited = true;
    one.site.madeBy = awaited.own?.site.id ?? one.site.madeBy;
  }

  /** What the sample missed and still waits is followed now, so those in the sample count as one each. */
  #addPassedOver(): void {
    const { interval, ...late } = this.#passedOver.ripe(monotonicMs(), this.#isAwaited);
    this.#heavy.relieve(interval, this.#addLate(late), this.#followed);
  }

  readonly #isAwaited = (promise: object): boolean => this.#known.get(promise)?.awaited === true;

  /** Returns the sites of the reactions. */
  #addLate({ waiting, reactions }: Late): Site[] {
    for (const { site, awaited, made, startMs } of lateSites(waiting, 'await', this.#sites)) {
      if (this.#followed.size < MAX_FOLLOWED) this.#addAwait(this.#follow(site, awaited, startMs, 1), awaited, made);
    }
    return lateSites(reactions, 'reaction', this.#sites).flatMap(({ site, awaited, made, startMs }) =>
      this.#followed.size < MAX_FOLLOWED ? this.#addReaction(site, awaited, made, startMs, 1).site : [],
    );
  }

  #follow(site: Site, promise: object, startMs = monotonicMs(), weight = this.#sampling.weight()): FollowedPromise {
    const one = followedPromise({ site, startMs, weight }, promise);
    this.#followed.add(one);
    begin(one);
    return one;
  }
}
