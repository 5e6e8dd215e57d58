import { inspect } from 'node:util';
import { isOff, type Sensor } from '../../guard.ts';
import { max, monotonicMs, NativeSet, NativeWeakMap, NativeWeakRef } from '../../primordials.ts';
import { hookPromises } from '../../promise-hooks.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { createPassedOver } from './passed-over.ts';
import { createSampling } from './sampling.ts';
import {
  begin,
  currentFrames,
  end,
  innermostFiles,
  isNodes,
  isNodesUrl,
  lighten,
  lose,
  type Site,
  type Sites,
  type Started,
} from './sites.ts';

/** Of each second, for the stacks of those that are followed. */
const BUDGET_MS = 20;
/** Looked at where the application is on top: less than where it may be below Node's own. */
const OWN_FRAMES = 10;
/** Promises followed at a time. */
const MAX_FOLLOWED = 20_000;
/** A call whose result nobody asked for within this time after it was settled is floating. */
const FLOATING_AFTER_MS = 1500;
/** Younger ones are not asked whether they were collected. */
const YOUNG_MS = 1000;
const PENDING_TEXT_LIMIT = 60;

const STATE_ONLY = { depth: 0, customInspect: false, maxArrayLength: 0, maxStringLength: 8, compact: true } as const;

interface Followed extends Started {
  ref: WeakRef<object>;
  /** From when it settles until it is asked whether it was rejected: V8 tells before the state changes, and it could be collected. */
  kept: object | null;
  /** call: something reacts to it. */
  reacted: boolean;
  /** call: made directly by the application, so that somebody could have awaited it. */
  ownCaller: boolean;
  settledMs: number;
  floats: boolean;
  rejected: boolean;
}

/** What is known of one promise. */
interface Known {
  /** Itself, or the await for which V8 made it. */
  own: Followed | null;
  /** An await of it is followed. */
  awaited: boolean;
  /** Reactions to it, as far as they are followed. */
  reactions: number;
  /** Called when it settles. */
  onSettled: (() => void) | null;
}

/** 'pending', 'rejected' or 'fulfilled'; without running the application's code. */
export function stateOf(promise: object): 'pending' | 'rejected' | 'fulfilled' {
  const text = inspect(promise, STATE_ONLY).slice(0, PENDING_TEXT_LIMIT);
  if (text.includes('{ <pending>') || text.includes('{\n  <pending>')) return 'pending';
  return text.includes('<rejected>') ? 'rejected' : 'fulfilled';
}

/**
 * Follows a sample of promises from where they were made until they settle, or are collected as garbage.
 *
 * V8 makes a promise for each `await` while a hook is there, whose parent is what is awaited: it stands for the
 * suspended call, and settles when that has gone on. What is awaited tells too early: it is told of as settled when it
 * is resolved with another promise, which may be pending.
 */
export function followPromises(sites: Sites, onMade: () => void, sensor: Sensor) {
  const known = new NativeWeakMap<object, Known>();
  const followed = new NativeSet<Followed>();
  const settling = new NativeSet<Followed>();
  const sampling = createSampling(BUDGET_MS);
  const passedOver = createPassedOver();
  /** Awaits that stand for several, in the order of the intervals. */
  const heavy: { one: Followed; interval: unknown }[] = [];
  let inside = false;

  const knownOf = (promise: object): Known => {
    let entry = known.get(promise);
    if (!entry) {
      entry = { own: null, awaited: false, reactions: 0, onSettled: null };
      known.set(promise, entry);
    }
    return entry;
  };
  const follow = (site: Site, promise: object, startMs = monotonicMs(), weight = sampling.weight()): Followed => {
    const one: Followed = {
      site,
      startMs,
      weight,
      ref: new NativeWeakRef(promise),
      kept: null,
      reacted: false,
      ownCaller: false,
      settledMs: 0,
      floats: false,
      rejected: false,
    };
    followed.add(one);
    begin(one);
    return one;
  };
  const sample = (promise: object, parent: object | undefined): void => {
    const files = innermostFiles(hooks.init);
    if (isNodesOwn(files, parent !== undefined)) return;
    const isMadeByNode = parent === undefined && files[0] === null;
    const frames = currentFrames(hooks.init, isMadeByNode ? undefined : OWN_FRAMES);
    const sort = sortOf(frames, parent !== undefined);
    if (!sort || !isApplications(sort.what, frames)) return;
    if (sort.what === 'await') {
      sampleAwait(promise, parent!, frames);
      return;
    }
    const site = sites.here(sort.what, sort.type, '', sort.what === 'call' ? callerOf(frames) : frames);
    if (!site) return;
    const one = follow(site, promise);
    if (sort.what === 'reaction') countOnOne(site, knownOf(parent!), one.weight);
    one.ownCaller = sort.what === 'call' && frames[1]![4] !== 1;
    knownOf(promise).own = one;
  };
  /** V8 makes a promise for each await: it settles when the call has gone on. */
  const addAwait = (one: Followed, parent: object, made: object): void => {
    knownOf(made).own = one;
    const awaited = knownOf(parent);
    awaited.awaited = true;
    one.site.madeBy = awaited.own?.site.id ?? one.site.madeBy;
  };
  const sampleAwait = (promise: object, parent: object, frames: RawFrame[]): void => {
    const site = sites.here('await', '', '', frames);
    if (!site) return;
    const one = follow(site, parent);
    if (stateOf(parent) !== 'pending') {
      finish(one);
      return;
    }
    addAwait(one, parent, promise);
    if (one.weight > 1) heavy.push({ one, interval: passedOver.interval() });
  };
  /** What the sample missed and waits still is followed now, so that of those in it each stands for itself. */
  const addPassedOver = (): void => {
    const { waiting, interval } = passedOver.ripe(monotonicMs(), (promise) => known.get(promise)?.awaited === true);
    for (const { awaited, made, frames, startMs } of waiting) {
      if (followed.size >= MAX_FOLLOWED || !isApplications('await', frames)) continue;
      const site = sites.here('await', '', '', frames);
      if (site) addAwait(follow(site, awaited, startMs, 1), awaited, made);
    }
    while (heavy[0] && (heavy[0].interval === interval || !followed.has(heavy[0].one))) {
      const { one } = heavy.shift()!;
      if (interval?.complete && followed.has(one)) lighten(one);
    }
  };
  const finish = (one: Followed): void => {
    if (!followed.delete(one)) return;
    end(one, monotonicMs());
  };
  const settle = ({ own, onSettled }: Known): void => {
    if (own) {
      finish(own);
      if (own.site.what === 'call' && own.ownCaller && !own.reacted) {
        own.settledMs = monotonicMs();
        if (settling.size < MAX_FOLLOWED) {
          own.kept = own.ref.deref() ?? null;
          settling.add(own);
        }
      }
    }
    onSettled?.();
  };

  const choose = (promise: object, parent: object | undefined): void => {
    inside = true;
    try {
      sampling.spend(() => sample(promise, parent));
    } finally {
      inside = false;
    }
  };
  const hooks = {
    init(promise: object, parent?: object) {
      try {
        if (isOff(sensor)) return;
        onMade();
        if (parent !== undefined) {
          const own = known.get(parent)?.own;
          if (own) react(own);
        }
        if (inside) return;
        if (sampling.next() && followed.size < MAX_FOLLOWED) choose(promise, parent);
        else if (parent !== undefined) passedOver.add(parent, promise, hooks.init);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    settled(promise: object) {
      try {
        if (isOff(sensor)) return;
        const entry = known.get(promise);
        if (entry !== undefined) settle(entry);
        passedOver.settled(promise);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  const stop = hookPromises(hooks);

  return {
    /** Returns how many promises were made since the last call. */
    adapt(intervalMs: number): number {
      for (const one of settling) {
        if (one.reacted) settling.delete(one);
        else if (one.kept) one.rejected = stateOf(one.kept) === 'rejected';
        one.kept = null;
      }
      inside = true;
      try {
        addPassedOver();
      } finally {
        inside = false;
      }
      return sampling.adapt(intervalMs);
    },
    /** Finds the oldest of each site, and what was lost. */
    check(): void {
      const now = monotonicMs();
      for (const one of followed) {
        if (now - one.startMs > YOUNG_MS && one.ref.deref() === undefined) {
          followed.delete(one);
          lose(one);
        } else if (one.startMs < one.site.oldestStart) one.site.oldestStart = one.startMs;
      }
      for (const one of settling) {
        if (one.reacted) settling.delete(one);
        else if (now - one.settledMs > FLOATING_AFTER_MS) {
          settling.delete(one);
          float(one);
        }
      }
    },
    /** The site of the call whose result the promise is, where it was followed. */
    siteOf: (promise: object): Site | null => known.get(promise)?.own?.site ?? null,
    whenSettled(promise: object, callback: () => void): void {
      knownOf(promise).onSettled = callback;
    },
    stop(): void {
      stop();
      followed.clear();
      settling.clear();
    },
  };
}

export type FollowedPromises = ReturnType<typeof followPromises>;

/** Many reactions to one promise stay with it; those to as many promises go with each. */
function countOnOne(site: Site, parent: Known, weight: number): void {
  parent.reactions += weight;
  if (parent.reactions > site.onOne) site.onOne = parent.reactions;
}

function float(one: Followed): void {
  one.floats = true;
  one.site.floating += one.weight;
  if (one.rejected) one.site.rejected += one.weight;
}

/** Late, perhaps: then it does not float after all. */
function react(one: Followed): void {
  if (one.reacted) return;
  one.reacted = true;
  if (!one.floats) return;
  one.site.floating -= one.weight;
  if (one.rejected) one.site.rejected -= one.weight;
}

/**
 * Whether it is the application's: what Node's own functions await, call and react to within them is not. A promise
 * made by Node for the application tells what an await waits for.
 */
function isApplications(what: Site['what'], frames: RawFrame[]): boolean {
  if (what === 'promise') return frames.some((frame) => !isNodes(frame));
  const outer = what === 'call' ? frames[1] : frames.find(([, url]) => url !== null);
  return outer !== undefined && !isNodes(outer);
}

/** The same by the files on top, which tell of most that Node does within itself. */
function isNodesOwn(files: (string | null)[], hasParent: boolean): boolean {
  const [top, caller] = files;
  if (top === undefined || (top === null && !hasParent)) return false;
  const outer = hasParent ? files.find((url) => url !== null) : caller;
  return outer !== undefined && isNodesUrl(outer);
}

/** Where an async function is called; with itself where it is one of Node's. */
function callerOf(frames: RawFrame[]): RawFrame[] {
  return isNodes(frames[0]!) ? frames : frames.slice(1);
}

/** By the built-in on top of the stack; an async function itself is on top where its result or an await is made. */
function sortOf(
  frames: RawFrame[],
  hasParent: boolean,
): { what: 'await' | 'call' | 'reaction' | 'promise'; type: string } | null {
  const top = frames[0];
  if (!top) return null;
  if (top[1] !== null) return { what: hasParent ? 'await' : 'call', type: '' };
  let type = lastWord(top[0]);
  // A combinator reacts to each of its promises by their then.
  const outer = frames[1];
  if (type === 'then' && outer && outer[1] === null) type = lastWord(outer[0]);
  if (type === '<anonymous>') return null;
  return { what: hasParent ? 'reaction' : 'promise', type: type === 'Promise' ? 'new' : type };
}

/** "Promise.then" and "new Promise" by their last word. */
function lastWord(name: string): string {
  const at = max(name.lastIndexOf('.'), name.lastIndexOf(' '));
  return name.slice(at + 1);
}
