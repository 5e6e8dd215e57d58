import type { Work } from '../../../src/recording/rows/work.ts';
import { attempt, guarded, isOff, type Sensor } from '../../guard.ts';
import { clearTimeout, min, monotonicMs, random, setTimeout } from '../../primordials.ts';
import type { RawAborted, RawOrphans, RawTracked, SensorCost } from '../../tracked.ts';
import { Governor } from '../governor/governor.ts';
import { Spending } from '../governor/spending.ts';
import { readWork } from '../governor/work-clock.ts';
import { atNextTurn } from '../microtask-turns.ts';
import { markOwn } from '../own-resources.ts';
import { isPaidFor, type WorkItem } from '../work/current.ts';
import { FollowedCancellations } from './cancellations.ts';
import { followCombinators } from './combinators.ts';
import { FollowedListeners } from './listeners.ts';
import { FollowedPromises } from './promises.ts';
import { reportSites } from './report-sites.ts';
import { FollowedResources } from './resources.ts';
import { SeenShare } from './seen-share.ts';
import { afterOldest, beforeOldest, createSites, type Site } from './sites.ts';

/** A row each second at first, later one in five: some 5 kB each. */
const ROW_MS = { first: 900, later: 4900 } as const;
const FIRST_MS = 20_000;
/** Of each second, that all stacks of what is followed may take where nothing else limits it: what their samplings begin with. */
const MOST_STACKS_SHARE = 0.041;

/** A check is as late as this where no timer gets in. */
const LATE_CHECK_MS = 300;
/** Since the thread began: hardly anybody has connected by then. */
const EARLY_MS = 1500;

const startTimer = setTimeout;
const stopTimer = clearTimeout;

/** Whose work things belong to. */
export interface Whose {
  /** From now on, or no longer. */
  onPromisesFollowed(isFollowed: boolean): void;
  nameOf(item: WorkItem): Work | null;
}

/** Told of everything that is made. */
export interface Tap {
  onPromise(): void;
  onResource(type: string): void;
}

type Unfinished = NonNullable<RawTracked['unfinished']>;

/**
 * What follows the thread's work, from the beginning to the end of tracking: all the time where the budget is enough, else in
 * windows. In the pauses between them nothing of it is in the thread.
 */
export class RunningTracking {
  readonly #startMs = monotonicMs();
  readonly #sites = createSites();
  readonly #sensor: Sensor;
  readonly #whose: Whose;
  readonly #governor: Governor;
  readonly #spending = new Spending();
  readonly #seen = new SeenShare(this.#startMs);
  readonly #cancellations: FollowedCancellations;
  readonly #promises: FollowedPromises;
  readonly #handles: FollowedResources;
  readonly #listeners: FollowedListeners;
  readonly #combinators: ReturnType<typeof followCombinators>;
  readonly #onTimer: () => void;
  #timer: NodeJS.Timeout;
  #tap: Tap | null = null;
  #isOpen = true;
  #isAsked = false;
  /** Made when the last window opened: what is known of the others was checked then. */
  #ready: Unfinished | null = null;
  #aborted: RawAborted[] = [];
  #orphans: RawOrphans[] = [];
  #lastCheckMs = this.#startMs;
  #lastRowMs = this.#startMs;

  constructor(sensor: Sensor, share: number, whose: Whose) {
    this.#sensor = sensor;
    this.#whose = whose;
    this.#governor = new Governor(share, { now: monotonicMs, random });
    const cancellations = new FollowedCancellations(sensor);
    this.#cancellations = cancellations;
    const onPromise = (): void => this.#tap?.onPromise();
    this.#promises = new FollowedPromises(this.#sites, onPromise, sensor, () => this.#onMany());
    this.#handles = new FollowedResources(this.#sites, {
      currentScope: () => cancellations.current(),
      onScoped: (handle) => cancellations.add(handle),
      onMade: (type) => this.#tap?.onResource(type),
      sensor,
    });
    this.#listeners = new FollowedListeners(this.#sites, cancellations.touch, sensor);
    this.#combinators = followCombinators(this.#promises, sensor);
    this.#onTimer = guarded(sensor, () => this.#step());
    this.#setBudgets();
    whose.onPromisesFollowed(true);
    this.#timer = this.#startTimer(this.#governor.step(0).waitMs);
  }

  isOpen(): boolean {
    return this.#isOpen;
  }

  govern({ share, ownShare, hint }: { share: number; ownShare: number; hint: boolean }): void {
    this.#governor.setShare(share, ownShare);
    if (hint) this.#governor.hint();
    // It may be open at once.
    if (!this.#isOpen) this.#step();
  }

  spentElsewhere(ms: number): void {
    this.#spending.addElsewhere(ms);
  }

  siteOf(promise: object): Site | null {
    return this.#promises.siteOf(promise);
  }

  handleSites(): ReturnType<FollowedResources['sites']> {
    return this.#handles.sites();
  }

  handleSiteOf(id: number): ReturnType<FollowedResources['siteOf']> {
    return this.#handles.siteOf(id);
  }

  /** Somebody looks through the hooks: where they are not in, a window opens if it can be paid for. False where it cannot. */
  setTap(tap: Tap | null): boolean {
    if (tap && !this.#isOpen && this.#governor.openNow()) this.#step();
    this.#tap = this.#isOpen ? tap : null;
    return this.#isOpen;
  }

  costs(): SensorCost[] {
    return this.#spending.read();
  }

  /** Null where it is not time for a row yet. */
  read(final: boolean): Unfinished | null {
    const now = monotonicMs();
    if (!this.#isOpen && !final) return this.#takeReady();
    if (!final && !this.#isRowDue(now)) return this.#takeReady();
    if (!this.#isOpen) this.#verify();
    this.#ready = null;
    return this.#row(now);
  }

  stop(): void {
    attempt(this.#sensor, () => stopTimer(this.#timer));
    const followers = [this.#combinators, this.#listeners, this.#handles, this.#promises, this.#cancellations];
    for (let i = 0; i < followers.length; i++) attempt(this.#sensor, () => followers[i]!.stop());
  }

  #takeReady(): Unfinished | null {
    const ready = this.#ready;
    this.#ready = null;
    return ready;
  }

  #isRowDue(now: number): boolean {
    return now - this.#lastRowMs >= (now - this.#startMs < FIRST_MS ? ROW_MS.first : ROW_MS.later);
  }

  #startTimer(ms: number): NodeJS.Timeout {
    return markOwn(startTimer(this.#onTimer, ms).unref());
  }

  /** Called within a hook. Where the microtask queue lets no timer in, it is looked at between two microtasks. */
  #onMany(): void {
    if (this.#isAsked || monotonicMs() - this.#lastCheckMs < LATE_CHECK_MS) return;
    this.#isAsked = true;
    atNextTurn(() => {
      this.#isAsked = false;
      if (this.#isOpen) this.#onTimer();
    });
  }

  /** Looks at what was spent, and opens or closes. */
  #step(): void {
    stopTimer(this.#timer);
    let waitMs = 1000;
    const wasOpen = this.#isOpen;
    // What carries an AsyncLocalStorage by hooks numbers promises as well.
    const isCarrying = this.#cancellations.isCarrying();
    try {
      if (wasOpen) this.#spending.measure('checks', () => this.#check());
      const plan = this.#governor.step(this.#spending.take(), this.#tap !== null);
      waitMs = plan.waitMs;
      if (plan.open !== this.#isOpen) this.#spending.measure('checks', () => this.#turn(plan.open));
      this.#setBudgets();
    } finally {
      if (!isOff(this.#sensor)) {
        this.#timer = this.#startTimer(waitMs);
        this.#spending.worked(readWork(this.#timer), isCarrying ? null : wasOpen);
      }
    }
  }

  #setBudgets(): void {
    const share = min(1, this.#governor.stackShare(this.#spending.hookRate()) / MOST_STACKS_SHARE);
    this.#promises.setBudget(share);
    this.#handles.setBudget(share);
  }

  #turn(open: boolean): void {
    if (open) this.#open();
    else this.#close();
    this.#isOpen = open;
  }

  #open(): void {
    this.#verify();
    const now = monotonicMs();
    this.#seen.opened(now);
    this.#lastCheckMs = now;
    if (this.#isRowDue(now)) this.#ready = this.#row(now);
    this.#cancellations.resume();
    this.#promises.resume();
    // On Node 20 it puts the hooks of promises back as it finds them.
    this.#handles.resume();
    this.#listeners.resume();
    this.#combinators.resume();
    this.#whose.onPromisesFollowed(true);
  }

  #close(): void {
    this.#seen.closed(monotonicMs());
    this.#whose.onPromisesFollowed(false);
    this.#combinators.pause();
    this.#listeners.pause();
    this.#handles.pause();
    this.#promises.pause();
    this.#cancellations.stop();
  }

  #verify(): void {
    this.#promises.verify();
    this.#handles.verify();
  }

  #check(): void {
    const now = monotonicMs();
    const intervalMs = now - this.#lastCheckMs;
    this.#lastCheckMs = now;
    const promises = this.#promises.adapt(intervalMs);
    this.#handles.adapt(intervalMs);
    this.#orphans.push(...this.#combinators.check(intervalMs));
    this.#listeners.refill(intervalMs);
    const ofPromises = this.#promises.spent();
    const ofHandles = this.#handles.spent();
    this.#seen.add(promises, promises + ofHandles.made);
    const spending = this.#spending;
    spending.count('promise-made', promises);
    spending.count('promise-settled', ofPromises.settled);
    if (this.#cancellations.isCarrying() || isPaidFor()) spending.count('promise-carried', promises);
    spending.count('resource-made', ofHandles.made);
    spending.count('resource-destroyed', ofHandles.gone);
    spending.count('listener-added', this.#listeners.spent());
    spending.addMs('stacks', ofPromises.stacksMs + ofHandles.stacksMs);
    spending.passed(intervalMs);
  }

  #row(now: number): Unfinished {
    this.#findOldest();
    this.#aborted.push(...this.#cancellations.check((handle) => this.#handles.isAlive(handle)));
    const seen = this.#seen.read(now);
    const sites = [...this.#sites.all()];
    const row = {
      aborted: this.#aborted,
      orphans: this.#orphans,
      ...reportSites(sites, now, this.#whose.nameOf),
      intervalMs: now - this.#lastRowMs,
      trackedMs: now - this.#startMs,
      ...seen,
      aborts: this.#cancellations.aborts(),
      ...this.#handles.inbound(this.#startMs < EARLY_MS && !this.#seen.hasPaused()),
      dropped: this.#sites.dropped(),
      waiting: this.#promises.chains(now),
      serial: this.#promises.serial.read(sites),
      ...this.#handles.outgoing(),
      pools: this.#handles.pools(),
    };
    this.#aborted = [];
    this.#orphans = [];
    this.#lastRowMs = now;
    return row;
  }

  #findOldest(): void {
    const before = beforeOldest(this.#sites);
    this.#promises.check();
    this.#handles.check();
    this.#listeners.check();
    afterOldest(this.#sites, before);
  }
}
