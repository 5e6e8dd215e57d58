/**
 * Which calls of the thread are suspended, found in its heap: for those that began when nothing was followed. How long they have been
 * waiting is known from the second look on, as the promises that the first one found are remembered.
 */
import { withOwnSession } from '../../src/async-dump/own-session.ts';
import { asyncSites, createProbe, NativePromise, type Probe } from '../../src/async-dump/probe.ts';
import { builtIn } from '../built-in.ts';
import { min, monotonicMs, NativeMap, NativeWeakMap, NativeWeakRef } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawSite, RawTracked } from '../tracked.ts';
import { toFrame } from './stack.ts';

/** Asked at a time: V8 takes some 20 µs for each. */
const BATCH = 128;
/** Asked in one look: some 40 ms; what is beyond is not reported. On a busy host it ends sooner. */
const MAX_ASKED = 2000;
const ASK_MS = 200;
/** That are remembered. */
const MAX_KEPT = 1000;
const MAX_FRAMES = 20;
/** Distinct chains that are reported. */
const MAX_SITES = 100;

interface Suspended {
  ref: WeakRef<object>;
  sinceMs: number;
}

type Unfinished = NonNullable<RawTracked['unfinished']>;

export class SuspendedCalls {
  readonly #since = new NativeWeakMap<object, number>();
  readonly #ids = new NativeMap<string, number>();
  #kept: Suspended[] = [];
  #probe: Probe | null = null;
  #isEnd = false;

  /** Goes through the heap, which stops the thread for some 10 ms per MB. Null where V8 cannot tell now. */
  look(): Unfinished | null {
    const now = monotonicMs();
    const { isPromise } = builtIn<typeof import('node:util')>('util')!.types;
    const found = withOwnSession((session) => {
      const prototypeObjectId = session.handleOf(NativePromise.prototype);
      const { objects } = session.post('Runtime.queryObjects', { prototypeObjectId });
      return session.valueOf((objects as { objectId: string }).objectId) as object[];
    });
    const promises: object[] = [];
    for (let i = 0; i < found.length; i++) if (isPromise(found[i])) promises[promises.length] = found[i]!;
    return this.#ask(promises, now);
  }

  /** All that are suspended where the program ends and nothing can resume them, however long they have waited. */
  lookAtEnd(): Unfinished | null {
    this.#isEnd = true;
    return this.look();
  }

  /** Asks again for those that were found before: takes hardly any time. Null where none were. */
  lookAgain(): Unfinished | null {
    const promises: object[] = [];
    for (let i = 0; i < this.#kept.length; i++) {
      const promise = this.#kept[i]!.ref.deref();
      if (promise !== undefined) promises[promises.length] = promise;
    }
    return promises.length > 0 ? this.#ask(promises, monotonicMs()) : null;
  }

  #ask(promises: object[], now: number): Unfinished | null {
    const kept: Suspended[] = [];
    const sites = new NativeMap<string, { site: RawSite; frames: RawFrame[] }>();
    try {
      this.#probe ??= createProbe();
      const from = monotonicMs();
      const count = min(promises.length, MAX_ASKED);
      for (let i = 0; i < count && monotonicMs() - from < ASK_MS; i += BATCH) {
        const batch = promises.slice(i, min(count, i + BATCH));
        const all = this.#probe.sites(batch);
        for (let j = 0; j < batch.length; j++) {
          const chain = asyncSites(all[j]).slice(0, MAX_FRAMES) as unknown as NodeJS.CallSite[];
          if (chain.length > 0 && kept.length < MAX_KEPT)
            kept[kept.length] = this.#add(batch[j]!, chain.map(toFrame), sites, now);
        }
      }
    } catch {
      // V8 tells no stacks at this moment, or not in this version.
      this.#probe = null;
      return null;
    }
    this.#kept = kept;
    return toUnfinished([...sites.values()], this.#isEnd);
  }

  #add(
    promise: object,
    frames: RawFrame[],
    sites: Map<string, { site: RawSite; frames: RawFrame[] }>,
    now: number,
  ): Suspended {
    const sinceMs = this.#since.get(promise) ?? now;
    this.#since.set(promise, sinceMs);
    const key = frames.map(([name, url, line, column]) => `${name} ${url}:${line}:${column}`).join(' ');
    const known = sites.get(key);
    const site = known?.site ?? newSite(this.#idOf(key));
    if (!known && sites.size < MAX_SITES) sites.set(key, { site, frames });
    site.alive++;
    site.followed++;
    site.created++;
    site.peak++;
    if (now - sinceMs > site.oldestMs) site.oldestMs = now - sinceMs;
    return { ref: new NativeWeakRef(promise), sinceMs };
  }

  /** None that tracking uses. */
  #idOf(key: string): number {
    const id = this.#ids.get(key) ?? -1 - this.#ids.size;
    this.#ids.set(key, id);
    return id;
  }
}

/** What has been waiting since an earlier look: of what was found for the first time, nothing is known yet. */
function toUnfinished(all: { site: RawSite; frames: RawFrame[] }[], isEnd: boolean): Unfinished {
  const old = all.filter(({ site }) => isEnd || site.oldestMs > 0);
  return {
    fromHeap: true,
    intervalMs: 0,
    trackedMs: 0,
    promises: 0,
    seenShare: 1,
    pauses: 0,
    aborts: 0,
    inbound: 0,
    dropped: 0,
    sites: old.map(({ site }) => site),
    frames: old.map(({ site, frames }) => [site.id, frames]),
    aborted: [],
    orphans: [],
    waiting: old.map(({ site, frames }) => ({ count: site.alive, oldestMs: site.oldestMs, frames, made: null })),
    pools: [],
  };
}

function newSite(id: number): RawSite {
  return {
    id,
    what: 'await',
    type: '',
    detail: '',
    created: 0,
    ended: 0,
    lost: 0,
    alive: 0,
    followed: 0,
    peak: 0,
    endedMaxMs: null,
    endedLeastMs: null,
    usualMs: null,
    slowMs: null,
    endedSinceOldest: 0,
    floating: 0,
    rejected: 0,
    onOne: 0,
    referenced: 0,
    oldestMs: 0,
    madeBy: null,
  };
}
