import type { Sensor } from '../../guard.ts';
import { isArray, min, monotonicMs, NativePromise, NativeSet, NativeWeakRef } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawOrphans } from '../../tracked.ts';
import { stateOf } from './promise-state.ts';
import type { FollowedPromises } from './promises.ts';
import { currentFrames } from './sites.ts';
import { type Arguments, switchMethod } from './wrap.ts';

/** Calls of Promise.all followed per second, with that many promises each at most, and rejected ones at a time. */
const PER_SECOND = 50;
const MAX_ELEMENTS = 1000;
const MAX_REJECTED = 50;
/** How long the others are followed after the rejection. */
const FOLLOW_MS = 3000;
const FRAMES_KEPT = 8;

interface Rejected {
  frames: RawFrame[];
  total: number;
  pending: number;
  left: WeakRef<object>[];
  atMs: number;
  ranOnMs: number;
}

/** Follows what runs on after a Promise.all was rejected. */
export function followCombinators(promises: FollowedPromises, sensor: Sensor) {
  const rejected = new NativeSet<Rejected>();
  let budget = PER_SECOND;

  const follow = (frames: RawFrame[], result: object, elements: WeakRef<object>[]): void => {
    promises.whenSettled(result, () => {
      if (rejected.size >= MAX_REJECTED) return;
      // V8 calls the hook before the state changes; if some are pending, it can only be rejected.
      const left = pendingOf(elements);
      if (left.length === 0) return;
      rejected.add({ frames, total: elements.length, pending: left.length, left, atMs: monotonicMs(), ranOnMs: 0 });
    });
  };

  let pendingCall: { frames: RawFrame[]; elements: WeakRef<object>[] } | null = null;
  const before = (_self: unknown, { 0: list }: Arguments): void => {
    pendingCall = null;
    if (!isArray(list) || list.length < 2 || list.length > MAX_ELEMENTS || budget <= 0) return;
    budget--;
    const elements = list.filter((one) => one instanceof NativePromise).map((one) => new NativeWeakRef(one as object));
    pendingCall = { frames: currentFrames().slice(0, FRAMES_KEPT), elements };
  };
  const after = (result: unknown): void => {
    if (pendingCall && result instanceof NativePromise) follow(pendingCall.frames, result, pendingCall.elements);
    pendingCall = null;
  };
  const all = switchMethod(NativePromise, 'all', before, after, sensor);
  all.on();

  return {
    check(intervalMs: number): RawOrphans[] {
      budget = min(PER_SECOND, budget + (PER_SECOND * intervalMs) / 1000);
      const reported: RawOrphans[] = [];
      const now = monotonicMs();
      for (const one of rejected) {
        one.left = pendingOf(one.left);
        one.ranOnMs = now - one.atMs;
        if (one.left.length > 0 && one.ranOnMs < FOLLOW_MS) continue;
        rejected.delete(one);
        const { frames, total, pending, left, ranOnMs } = one;
        reported.push({ frames, total, pending, stillPending: left.length, ranOnMs });
      }
      return reported;
    },
    /** Sees no calls from now on; those that were rejected are followed still. */
    pause: all.off,
    resume: all.on,
    stop(): void {
      all.off();
      rejected.clear();
    },
  };
}

function pendingOf(refs: WeakRef<object>[]): WeakRef<object>[] {
  return refs.filter((ref) => {
    const promise = ref.deref();
    return promise !== undefined && stateOf(promise) === 'pending';
  });
}
