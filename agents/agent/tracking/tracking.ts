import { attempt, createSensor, guarded, isOff, type Sensor } from '../../guard.ts';
import { clearInterval, isFiniteNumber, max, monotonicMs, NativeMap, setInterval } from '../../primordials.ts';
import type { RawAborted, RawOrphans, RawTracked } from '../../tracked.ts';
import { markOwn } from '../own-resources.ts';
import { FollowedCancellations } from './cancellations.ts';
import { followCombinators } from './combinators.ts';
import { usualMs } from './durations.ts';
import { FollowedHandles } from './handles.ts';
import { FollowedListeners } from './listeners.ts';
import { FollowedPromises } from './promises.ts';
import { followRejections } from './rejections.ts';
import { afterOldest, beforeOldest, createSites, type Site } from './sites.ts';

/** How often the followed things are examined: some ms for 20 000 of them. */
const CHECK_MS = 250;
/** A row each second at first, later one in five: some 5 kB each. */
const ROW_MS = { first: 900, later: 4900 } as const;
const FIRST_MS = 20_000;
/** Most sites that are reported at a time. */
const MAX_REPORTED = 150;
/** What a site must have reached to be reported although nothing of it is alive. */
const BUSY_PEAK = 100;

const startTimer = setInterval;
const stopTimer = clearInterval;

/** Called for everything that is made. */
export interface Tap {
  onPromise(): void;
  onResource(type: string): void;
}

/**
 * Follows what the thread starts until it ends: promises and suspended calls, handles, listeners, aborted signals.
 * Nothing of it is there before `follow(true)` and after `follow(false)`; rejections that nothing handles are always counted.
 */
export function createTracking() {
  let running: RunningTracking | null = null;
  const sensor = createSensor('tracking');
  const rejections = followRejections((promise) => running?.siteOf(promise) ?? null);
  return {
    sensor,
    follow(wanted: boolean): void {
      // A part that has failed is not started again.
      const follows = wanted && !isOff(sensor);
      if (follows === (running !== null)) return;
      const ending = running;
      running = null;
      ending?.stop();
      if (follows) running = new RunningTracking(sensor);
    },
    /** While one runs, its hooks see everything: others need none of their own. */
    tap: (tap: Tap | null): boolean => running?.setTap(tap) ?? false,
    /** Where the open handles were made, as far as they are followed. */
    handleSites: () => running?.handleSites() ?? [],
    /** What is to be reported since the last call, `final` at the exit; null if there is nothing. */
    read(final = false): RawTracked | null {
      const rejected = rejections.read();
      // What it has missed since it failed would be reported as still open.
      const unfinished = isOff(sensor) ? null : (running?.read(final) ?? null);
      return rejected.length > 0 || unfinished ? { rejections: rejected, unfinished } : null;
    },
  };
}

/** What follows the thread's work, from the beginning to the end of tracking. */
class RunningTracking {
  readonly #startMs = monotonicMs();
  readonly #sites = createSites();
  readonly #sensor: Sensor;
  readonly #cancellations: FollowedCancellations;
  readonly #promises: FollowedPromises;
  readonly #handles: FollowedHandles;
  readonly #listeners: FollowedListeners;
  readonly #combinators: ReturnType<typeof followCombinators>;
  readonly #timer: NodeJS.Timeout;
  #tap: Tap | null = null;
  #aborted: RawAborted[] = [];
  #orphans: RawOrphans[] = [];
  /** Promises since the last reading. */
  #made = 0;
  #lastCheckMs = this.#startMs;
  #lastReadMs = this.#startMs;

  constructor(sensor: Sensor) {
    this.#sensor = sensor;
    const cancellations = new FollowedCancellations(sensor);
    this.#cancellations = cancellations;
    this.#promises = new FollowedPromises(this.#sites, () => this.#tap?.onPromise(), sensor);
    this.#handles = new FollowedHandles(this.#sites, {
      currentScope: () => cancellations.current(),
      onScoped: (handle) => cancellations.add(handle),
      onMade: (type) => this.#tap?.onResource(type),
      sensor,
    });
    this.#listeners = new FollowedListeners(this.#sites, cancellations.touch, sensor);
    this.#combinators = followCombinators(this.#promises, sensor);
    const check = guarded(sensor, () => this.#check());
    this.#timer = markOwn(startTimer(check, CHECK_MS).unref());
  }

  siteOf(promise: object): Site | null {
    return this.#promises.siteOf(promise);
  }

  handleSites(): ReturnType<FollowedHandles['sites']> {
    return this.#handles.sites();
  }

  setTap(tap: Tap | null): boolean {
    this.#tap = tap;
    return true;
  }

  /** Null if it is not time for a row yet. */
  read(final: boolean): RawTracked['unfinished'] {
    const now = monotonicMs();
    const rowMs = now - this.#startMs < FIRST_MS ? ROW_MS.first : ROW_MS.later;
    if (!final && now - this.#lastReadMs < rowMs) return null;
    this.#findOldest();
    this.#aborted.push(...this.#cancellations.check((handle) => this.#handles.isAlive(handle)));
    const row = {
      aborted: this.#aborted,
      orphans: this.#orphans,
      ...reportSites([...this.#sites.all()], now),
      intervalMs: now - this.#lastReadMs,
      trackedMs: now - this.#startMs,
      promises: this.#made,
      aborts: this.#cancellations.aborts(),
      inbound: this.#handles.inbound(),
      dropped: this.#sites.dropped(),
      waiting: this.#promises.chains(now),
      pools: this.#handles.pools(),
    };
    this.#aborted = [];
    this.#orphans = [];
    this.#made = 0;
    this.#lastReadMs = now;
    return row;
  }

  stop(): void {
    attempt(this.#sensor, () => stopTimer(this.#timer));
    const followers = [this.#combinators, this.#listeners, this.#handles, this.#promises, this.#cancellations];
    for (let i = 0; i < followers.length; i++) attempt(this.#sensor, () => followers[i]!.stop());
  }

  #check(): void {
    const now = monotonicMs();
    const intervalMs = now - this.#lastCheckMs;
    this.#lastCheckMs = now;
    this.#made += this.#promises.adapt(intervalMs);
    this.#handles.adapt(intervalMs);
    this.#orphans.push(...this.#combinators.check(intervalMs));
    this.#listeners.refill(intervalMs);
  }

  #findOldest(): void {
    const before = beforeOldest(this.#sites);
    this.#promises.check();
    this.#handles.check();
    this.#listeners.check();
    afterOldest(this.#sites, before);
  }
}

/** Those with most alive, and those that ended badly; the frames of each once. */
function reportSites(all: Site[], now: number): Pick<NonNullable<RawTracked['unfinished']>, 'sites' | 'frames'> {
  const byId = new NativeMap(all.map((site) => [site.id, site]));
  const chosen = all
    .filter(
      ({ what, alive, lost, floating, peak }) =>
        what !== 'promise' && (alive > 0 || lost + floating > 0 || peak >= BUSY_PEAK),
    )
    .sort((a, b) => importance(b) - importance(a))
    .slice(0, MAX_REPORTED);
  const frames: [number, Site['frames']][] = [];
  const report = (site: Site | undefined): void => {
    if (!site || site.reported) return;
    site.reported = true;
    frames.push([site.id, site.frames]);
  };
  const reported = chosen.map((site) => {
    const callees = site.reported || !site.callee ? {} : { callee: site.callee };
    report(site);
    const maker = site.madeBy === null ? undefined : byId.get(site.madeBy);
    report(maker);
    const {
      frames: _frames,
      oldestStart,
      position,
      reported: _reported,
      changed: _changed,
      madeBy: _madeBy,
      callee: _callee,
      ...counts
    } = site;
    site.peak = site.alive;
    return {
      ...counts,
      ...callees,
      endedMaxMs: position.durations.maxMs,
      endedLeastMs: position.durations.leastMs,
      usualMs: usualMs(position.durations),
      endedSinceOldest: position.endedSinceOldest,
      oldestMs: isFiniteNumber(oldestStart) ? now - oldestStart : 0,
      madeBy: maker ? { id: maker.id, what: maker.what, type: maker.type } : null,
    };
  });
  for (const { position } of all) position.durations.leastMs = null;
  return { sites: reported, frames };
}

function importance({ alive, lost, floating, peak }: Site): number {
  return max(alive, lost, floating, peak / BUSY_PEAK);
}

export type Tracking = ReturnType<typeof createTracking>;
