import { attempt, createSensor, guarded, isOff, type Sensor } from '../../guard.ts';
import { clearInterval, isFiniteNumber, max, monotonicMs, NativeMap, setInterval } from '../../primordials.ts';
import type { RawTracked } from '../../tracked.ts';
import { markOwn } from '../own-resources.ts';
import { followCancellations } from './cancellations.ts';
import { followCombinators } from './combinators.ts';
import { usualMs } from './durations.ts';
import { followHandles } from './handles.ts';
import { followListeners } from './listeners.ts';
import { followPromises } from './promises.ts';
import { followRejections } from './rejections.ts';
import { afterOldest, beforeOldest, createSites, type Site } from './sites.ts';

/** How often what is followed is gone through: some ms where it is 20 000 things. */
const CHECK_MS = 250;
/** A row each second at first, later one in five: some 5 kB each. */
const ROW_MS = { first: 900, later: 4900 } as const;
const FIRST_MS = 20_000;
/** Sites told at a time. */
const MAX_TOLD = 150;
/** What a site must have reached to be told though nothing of it is alive. */
const BUSY_PEAK = 100;

const startTimer = setInterval;
const stopTimer = clearInterval;

/** Told of everything that is made. */
export interface Tap {
  onPromise(): void;
  onResource(type: string): void;
}

type Running = ReturnType<typeof start>;

/**
 * Follows what the thread starts until it ends: promises and suspended calls, handles, listeners, aborted signals.
 * Nothing of it is there before `follow(true)` and after `follow(false)`; rejections that nothing handles are always counted.
 */
export function createTracking() {
  let running: Running | null = null;
  let siteOf = (_promise: object): Site | null => null;
  const sensor = createSensor('tracking');
  const rejections = followRejections((promise) => siteOf(promise));
  return {
    sensor,
    follow(wanted: boolean): void {
      // What has failed is not begun again.
      const follows = wanted && !isOff(sensor);
      if (follows === (running !== null)) return;
      const ending = running;
      running = null;
      siteOf = () => null;
      ending?.stop();
      if (follows) running = start(sensor);
      siteOf = running?.siteOf ?? siteOf;
    },
    /** While something runs, its hooks see everything: others need none of their own. */
    tap: (tap: Tap | null): boolean => running?.setTap(tap) ?? false,
    /** Where the open handles were made, as far as they are followed. */
    handleSites: () => running?.handleSites() ?? [],
    /** What is to be told since the last call, `final` at the exit; null where there is nothing. */
    read(final = false): RawTracked | null {
      const rejected = rejections.read();
      // What it has missed since it failed would be told as left open.
      const unfinished = isOff(sensor) ? null : (running?.read(final) ?? null);
      return rejected.length > 0 || unfinished ? { rejections: rejected, unfinished } : null;
    },
  };
}

function start(sensor: Sensor) {
  const startMs = monotonicMs();
  const sites = createSites();
  const cancellations = followCancellations(sensor);
  let tap: Tap | null = null;
  const promises = followPromises(sites, () => tap?.onPromise(), sensor);
  const handles = followHandles(sites, {
    currentScope: cancellations.current,
    onScoped: cancellations.add,
    onMade: (type) => tap?.onResource(type),
    sensor,
  });
  const listeners = followListeners(sites, cancellations.onSignalListener, sensor);
  const combinators = followCombinators(promises, sensor);
  const result = {
    aborted: [] as ReturnType<typeof cancellations.check>,
    orphans: [] as ReturnType<typeof combinators.check>,
  };
  let made = 0;
  let lastCheckMs = startMs;
  let lastReadMs = startMs;

  const check = guarded(sensor, () => {
    const now = monotonicMs();
    const intervalMs = now - lastCheckMs;
    lastCheckMs = now;
    made += promises.adapt(intervalMs);
    handles.adapt(intervalMs);
    result.orphans.push(...combinators.check(intervalMs));
    listeners.refill(intervalMs);
  });
  const timer = markOwn(startTimer(check, CHECK_MS).unref());

  return {
    siteOf: promises.siteOf,
    handleSites: handles.sites,
    setTap(next: Tap | null): boolean {
      tap = next;
      return true;
    },
    read(final: boolean): RawTracked['unfinished'] {
      const now = monotonicMs();
      if (!final && now - lastReadMs < (now - startMs < FIRST_MS ? ROW_MS.first : ROW_MS.later)) return null;
      const before = beforeOldest(sites);
      promises.check();
      handles.check();
      listeners.check();
      afterOldest(sites, before);
      result.aborted.push(...cancellations.check(handles.isAlive));
      const told = tellSites([...sites.all()], now);
      const row = {
        ...result,
        ...told,
        intervalMs: now - lastReadMs,
        trackedMs: now - startMs,
        promises: made,
        aborts: cancellations.aborts(),
        inbound: handles.inbound(),
        dropped: sites.dropped(),
      };
      result.aborted = [];
      result.orphans = [];
      made = 0;
      lastReadMs = now;
      return row;
    },
    stop(): void {
      attempt(sensor, () => stopTimer(timer));
      attempt(sensor, combinators.stop);
      attempt(sensor, listeners.stop);
      attempt(sensor, handles.stop);
      attempt(sensor, promises.stop);
      attempt(sensor, cancellations.stop);
    },
  };
}

/** Those with most alive, and those that ended badly; the frames of each once. */
function tellSites(all: Site[], now: number): Pick<NonNullable<RawTracked['unfinished']>, 'sites' | 'frames'> {
  const byId = new NativeMap(all.map((site) => [site.id, site]));
  const chosen = all
    .filter(
      ({ what, alive, lost, floating, peak }) =>
        what !== 'promise' && (alive > 0 || lost + floating > 0 || peak >= BUSY_PEAK),
    )
    .sort((a, b) => importance(b) - importance(a))
    .slice(0, MAX_TOLD);
  const frames: [number, Site['frames']][] = [];
  const tell = (site: Site | undefined): void => {
    if (!site || site.told) return;
    site.told = true;
    frames.push([site.id, site.frames]);
  };
  const told = chosen.map((site) => {
    tell(site);
    const maker = site.madeBy === null ? undefined : byId.get(site.madeBy);
    tell(maker);
    const { frames: _frames, oldestStart, position, told: _told, changed: _changed, madeBy: _madeBy, ...counts } = site;
    site.peak = site.alive;
    return {
      ...counts,
      endedMaxMs: position.durations.maxMs,
      endedLeastMs: position.durations.leastMs,
      usualMs: usualMs(position.durations),
      endedSinceOldest: position.endedSinceOldest,
      oldestMs: isFiniteNumber(oldestStart) ? now - oldestStart : 0,
      madeBy: maker ? { id: maker.id, what: maker.what, type: maker.type } : null,
    };
  });
  for (const { position } of all) position.durations.leastMs = null;
  return { sites: told, frames };
}

function importance({ alive, lost, floating, peak }: Site): number {
  return max(alive, lost, floating, peak / BUSY_PEAK);
}

export type Tracking = ReturnType<typeof createTracking>;
