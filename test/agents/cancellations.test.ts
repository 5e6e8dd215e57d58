import { expect, test } from 'vitest';
import { FollowedCancellations } from '../../agents/agent/tracking/cancellations.ts';
import type { FollowedHandle } from '../../agents/agent/tracking/handle-state.ts';
import { createSites } from '../../agents/agent/tracking/sites.ts';
import { createSensor } from '../../agents/guard.ts';
import { monotonicMs } from '../../agents/primordials.ts';

/** Longer than the time that is given to what is aborted. */
const BLOCKED_MS = 1100;

test('a timer that is only late, because the thread was blocked, is not left over', () => {
  const cancellations = new FollowedCancellations(createSensor('following cancellations'));
  const controller = new AbortController();
  expect(controller.signal.aborted).toBe(false);
  const sites = createSites();
  const timers = {
    once: setTimeout(() => {}, BLOCKED_MS / 10),
    later: setTimeout(() => {}, BLOCKED_MS * 100),
    again: setInterval(() => {}, BLOCKED_MS / 10),
  };
  try {
    Object.entries(timers).forEach(([name, timer], id) => {
      const site = sites.here('handle', 'Timeout', '', [[name, '/srv/job.js', id + 1, 1]])!;
      const scope = cancellations.current();
      cancellations.add({
        id,
        ref: new WeakRef(timer),
        scope,
        site,
        startMs: monotonicMs(),
        weight: 1,
      } as FollowedHandle);
    });
    controller.abort();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
    const left = cancellations.check(() => true).flatMap(({ leftovers }) => leftovers);
    expect(left.map(({ frames }) => frames[0]?.[0])).toEqual(['later', 'again']);
  } finally {
    cancellations.stop();
    for (const timer of Object.values(timers)) clearTimeout(timer);
  }
});
