import { describe, expect, test } from 'vitest';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';
import type { ThreadCpu } from '../../agents/watchdog/platform/thread-cpu.ts';
import { ThreadActivity } from '../../agents/watchdog/recent/thread-activity.ts';
import type { ThreadState } from '../../agents/watchdog/recent/thread-state.ts';

function watched() {
  const shared = createSharedMemory();
  const histogram = { count: 0 };
  const thread = { t: 0, state: 'running' as ThreadState, cpu: null as ThreadCpu | null, utilization: 1 };
  const activity = new ThreadActivity({
    shared,
    histogram,
    now: () => thread.t,
    observedThread: () => thread.cpu,
    state: () => thread.state,
    utilization: () => thread.utilization,
  });
  return {
    activity,
    shared,
    /** So many ms later; the loop has beaten, or not. */
    later(ms: number, beats: boolean, now: Partial<typeof thread> = {}) {
      Object.assign(thread, now, { t: thread.t + ms });
      if (beats) histogram.count++;
      activity.tick(thread.t);
    },
    doing(then?: ReturnType<ThreadActivity['read']>) {
      return activity.judge(thread.t, activity.read(), then);
    },
  };
}

const cpu = (cpuMs: number, timeslices = 1): ThreadCpu => ({ cpuMs, timeslices, runQueueMs: 0 });

describe('a thread whose loop beats', () => {
  test('is idle where it waits for events', () => {
    const { later, doing } = watched();
    later(10, true, { state: 'events', cpu: cpu(500) });
    expect(doing()).toBe('idle');
  });

  test('is busy where it runs', () => {
    const { later, doing } = watched();
    later(10, true, { cpu: cpu(500) });
    expect(doing()).toBe('busy');
  });

  test('is idle where it has hardly run since the last look, whatever it does at this moment', () => {
    const { later, doing } = watched();
    later(10, true, { cpu: cpu(500) });
    doing();
    later(1000, true, { cpu: cpu(519) });
    expect(doing()).toBe('idle');
    later(1000, true, { cpu: cpu(540) });
    expect(doing()).toBe('busy');
  });

  test('is busy within a call that is marked, though that waits', () => {
    const { later, doing, shared } = watched();
    Atomics.store(shared.control, Word.SyncCall, 1);
    later(10, true, { state: 'events', cpu: cpu(500) });
    expect(doing()).toBe('busy');
  });

  test('is idle by its utilization where the platform does not tell', () => {
    const { later, doing } = watched();
    later(10, true, { state: null, utilization: 0.01 });
    expect(doing()).toBe('idle');
    later(10, true, { utilization: 0.5 });
    expect(doing()).toBe('busy');
  });
});

describe('a thread whose loop is silent', () => {
  test('is where it was, if it is blocked and has not run since it was asked', () => {
    const { activity, later, doing } = watched();
    later(100, false, { state: 'blocked', cpu: cpu(500) });
    const then = activity.read();
    expect(doing()).toBe('busy');
    later(100, false, { cpu: cpu(501, 4) });
    expect(doing(then)).toBe('same');
    later(100, false, { cpu: cpu(502, 4) });
    expect(doing(then)).toBe('busy');
    later(100, false, { cpu: cpu(501, 5) });
    expect(doing(then)).toBe('busy');
  });

  test('may be held by a debugger that nobody sees, where the platform does not tell', () => {
    const { activity, later } = watched();
    later(2001, false, { state: null });
    expect(activity.mayBeHeld(2001, activity.read())).toBe(true);
    later(1, true);
    expect(activity.mayBeHeld(2002, activity.read())).toBe(false);
    later(3000, false, { state: 'blocked' });
    expect(activity.mayBeHeld(5002, activity.read())).toBe(false);
  });
});
