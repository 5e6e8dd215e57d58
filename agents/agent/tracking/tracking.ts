import type { Work } from '../../../src/recording/rows/work.ts';
import { createSensor, isOff } from '../../guard.ts';
import type { RawTracked, SensorCost } from '../../tracked.ts';
import type { WorkItem } from '../work/current.ts';
import { followRejections } from './rejections.ts';
import type { RunningTracking, Tap } from './running-tracking.ts';

export type { Tap } from './running-tracking.ts';

/** Loaded when following begins: the start of the program does not wait for it. */
const loadTracking = () => require('./running-tracking.ts') as typeof import('./running-tracking.ts');

/** What the thread may spend, and whether it may begin to. */
export interface Wanted {
  /** Of the thread's time; 0: nothing is followed. */
  share: number;
  /** Of all time, what is the thread's own. */
  ownShare: number;
  /** There is reason to look closer for a while. */
  hint: boolean;
  /** Where nothing is followed yet: whether it may begin. */
  mayBegin: boolean;
}

/**
 * Follows what the thread starts until it ends: promises and suspended calls, handles, listeners, aborted signals.
 * Nothing of it is there before `follow` wants it and after it does not; rejections that nothing handles are always counted.
 */
export function createTracking(
  onPromisesFollowed: (isFollowed: boolean) => void,
  nameOf: (item: WorkItem) => Work | null,
) {
  let running: RunningTracking | null = null;
  const sensor = createSensor('tracking');
  const rejections = followRejections((promise) => running?.siteOf(promise) ?? null);
  return {
    sensor,
    follow(wanted: Wanted | null): void {
      // What has failed is not begun again.
      const follows = wanted !== null && wanted.share > 0 && !isOff(sensor);
      if (!follows) {
        const ending = running;
        running = null;
        ending?.stop();
        onPromisesFollowed(false);
        return;
      }
      if (!running && (wanted.mayBegin || wanted.hint)) {
        running = new (loadTracking().RunningTracking)(sensor, wanted.share, { onPromisesFollowed, nameOf });
      }
      running?.govern(wanted);
    },
    /** Whether promises are followed at the moment. */
    isFollowingPromises: (): boolean => running?.isOpen() ?? false,
    /** While one runs, its hooks see everything: others need none of their own. */
    tap: (tap: Tap | null): boolean => running?.setTap(tap) ?? false,
    /** Where the open handles were made, as far as they are followed. */
    handleSites: () => running?.handleSites() ?? [],
    /** Where the async resource with that number was made; null if it is not followed. */
    handleSiteOf: (id: number) => running?.handleSiteOf(id) ?? null,
    /** What else the agent spent in this thread: it is of the same budget. */
    spentElsewhere(ms: number): void {
      running?.spentElsewhere(ms);
    },
    /** What is to be reported since the last call, `final` at the exit; null if there is nothing. */
    read(final = false): RawTracked | null {
      const rejected = rejections.read();
      // What it has missed since it failed would be reported as still open.
      const unfinished = isOff(sensor) ? null : (running?.read(final) ?? null);
      return rejected.length > 0 || unfinished ? { rejections: rejected, unfinished } : null;
    },
    /** What following cost since the last call. */
    costs: (): SensorCost[] => running?.costs() ?? [],
  };
}

export type Tracking = ReturnType<typeof createTracking>;
