/** Deep samples, and what triggers them. */
import type { RowBase } from './header.ts';
import type { ChainKind, Frame, Location } from './places.ts';

/** What makes a deep sample worth its cost; `routine` at level diagnose. */
export const TRIGGER_REASONS = [
  'allocation',
  'gc',
  'heap',
  'latency',
  'polling',
  'resources',
  'routine',
  'timers',
  'utilization',
] as const;
export type TriggerReason = (typeof TRIGGER_REASONS)[number];

/** Written when a trigger fires: the figure, its limit, and whether a deep sample follows or the last one is too near. */
export interface TriggerRow extends RowBase {
  type: 'trigger';
  reason: TriggerReason;
  value: number;
  limit: number;
  deepSample: boolean;
}

/** Equal stacks of a deep sample, together. */
export interface DeepSampleStack {
  count: number;
  /** Innermost first. */
  frames: Frame[];
  caller: ChainKind;
}

/** Where something was created or allocated, in the user's own code if there is any on the stack. */
interface CreatedSite {
  count: number;
  location: Location | null;
}

/** What was created of one type: Node's name of it. */
export interface CreatedResources {
  type: string;
  count: number;
  sites: CreatedSite[];
}

/** Async hooks that are not evdiag's own, and where they were enabled. */
export interface ProgramHooks {
  /** Instances of AsyncLocalStorage in use, where Node carries them by hooks (20 and 22); their places are a sample. */
  storages: number;
  storageSites: CreatedSite[];
  hooks: {
    /** init, before, after, destroy, promise_resolve */
    callbacks: string[];
    /** It is called for promises as well. */
    promises: boolean;
    location: Location | null;
    /** Whose code enabled it; absent for the user's own. */
    package?: string;
  }[];
}

/** A bounded sample of a thread: stacks at random moments, and what was created meanwhile. */
export interface DeepSampleRow extends RowBase {
  type: 'deep-sample';
  reasons: TriggerReason[];
  startMs: number;
  durationMs: number;
  /** CPU time of the thread during the deep sample; null if the platform does not report it. */
  cpuMs: number | null;
  /** Time it waited for a core; null if the platform does not report it. */
  runQueueMs: number | null;
  /** Stacks taken, those of them while the loop was busy, and those of these that fell between two calls. */
  samples: number;
  busySamples: number;
  framelessSamples: number;
  /** Pairs of stacks at most 10 ms apart, and how many of them belong to different callbacks. */
  pairs: number;
  turnedPairs: number;
  /** Mean time between the stacks of a pair. */
  pairMs: number;
  stacks: DeepSampleStack[];
  /** The deepest stack seen, with all calls that await it; null if none is deeper than what a stack row holds. */
  deepest: { frames: number; repeated: number; location: Location; awaits: boolean } | null;
  /** What was created within `wallMs`; null if it was not counted. */
  created: {
    wallMs: number;
    cpuMs: number;
    promises: number;
    resources: CreatedResources[];
  } | null;
  /** Intervals of a few ms that are running: where they were started. */
  shortIntervals: Location[];
  /** What each promise and callback runs through; absent if there is nothing, and in older recordings (format 1.5). */
  programHooks?: ProgramHooks;
  /** Sampled allocation by function; `bytes` is an estimate. Null if it was not sampled. */
  allocations: { bytes: number; location: Location }[] | null;
  /** Referenced servers, sockets and timers that wait. */
  waiting: number | null;
}
