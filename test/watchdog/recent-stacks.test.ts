import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';
import { RecentStacks } from '../../agents/watchdog/recent/recent-stacks.ts';
import type { ThreadState } from '../../agents/watchdog/recent/thread-state.ts';
import type { RecentFrame, RecentStack } from '../../src/protocol/thread-api.ts';
import { fakeThread } from './support.ts';

const TICK_MS = 50;
const handler: RecentFrame = ['handler', '/srv/app.js', 10, 1];
const parse: RecentFrame = ['parse', '', 0, 0];

/** A busy thread; chance says yes to every question. */
function watched() {
  const thread = fakeThread();
  const shared = createSharedMemory();
  const histogram = { count: 0 };
  const state = { of: 'running' as ThreadState, cpuMs: 0, mark: null as string | null };
  const recent = new RecentStacks({
    shared,
    marks: {
      running: () => (state.mark === null ? null : { module: 'JSON', name: state.mark, kind: 'json', level: 'watch' }),
    },
    histogram,
    capture: thread.capture,
    now: thread.now,
    startMonotonicMs: 1000,
    observedThread: () => ({ cpuMs: state.cpuMs, runQueueMs: 0, timeslices: state.cpuMs }),
    state: () => state.of,
    utilization: () => 1,
  });
  return {
    ...thread,
    recent,
    shared,
    state,
    /** The thread runs for so long. */
    run(ms: number, beats = true) {
      for (let passed = 0; passed < ms; passed += TICK_MS) {
        thread.at(thread.now() + TICK_MS);
        state.cpuMs += TICK_MS;
        if (beats) histogram.count++;
        recent.tick(thread.now(), TICK_MS);
      }
    },
    stack: (frames: RecentFrame[], fields: Partial<{ idleMs: number; line: number; entered: 0 | 1 }> = {}) => {
      const answer: RecentStack = [fields.idleMs ?? 0, fields.line ?? 12, frames, 0, fields.entered ?? 0];
      return thread.answer('recent', answer);
    },
    /** Functions from the outside in, of what is kept. */
    async kept(ms = 60_000) {
      const { nodes, samples } = await recent.profile(ms);
      const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
      return [...new Set(samples.map((id) => names.get(id)!))];
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('start-up is left alone, then one question is open at a time', () => {
  const thread = watched();
  thread.run(450);
  expect(thread.asked()).toEqual([]);
  thread.run(200);
  expect(thread.calls).toHaveLength(1);
  expect(thread.stack([handler])).toBe(1);
  thread.run(50);
  expect(thread.calls).toHaveLength(1);
});

test('by chance: where it says no, nothing is asked', () => {
  vi.mocked(Math.random).mockReturnValue(0.99);
  const thread = watched();
  thread.run(2000);
  expect(thread.asked()).toEqual([]);
});

test('more often at level diagnose', () => {
  const thread = watched();
  const watchMs = thread.recent.meanMs();
  Atomics.store(thread.shared.control, Word.Diagnose, 1);
  expect(thread.recent.meanMs()).toBeLessThan(watchMs);
});

test('an idle thread is not asked, and kept as idle', async () => {
  const thread = watched();
  thread.state.of = 'events';
  thread.run(2000);
  expect(thread.asked()).toEqual([]);
  expect(await thread.kept()).toEqual(['(idle)']);
});

describe('what an answer stands for', () => {
  test('the stack of a busy thread', async () => {
    const thread = watched();
    for (let i = 0; i < 6; i++) {
      thread.run(150);
      thread.stack([handler]);
    }
    thread.state.of = 'events';
    thread.run(100);
    expect(await thread.kept()).toContain('handler');
  });

  test('the marked call, where the answer came behind it', async () => {
    const thread = watched();
    thread.run(600);
    thread.state.mark = 'parse';
    thread.stack([handler]);
    thread.run(50);
    thread.at(thread.now() + 400);
    thread.stack([handler]);
    thread.state.mark = null;
    thread.state.of = 'events';
    thread.run(100);
    expect(await thread.kept()).toContain(parse[0]);
  });

  test('nothing, where the platform does not tell and the stack is empty: the loop was woken', async () => {
    const thread = watched();
    thread.state.of = null;
    thread.run(600);
    thread.stack([]);
    thread.state.of = 'events';
    expect(await thread.kept()).toEqual(['(idle)']);
  });
});

test('what does not answer is where its mark is', async () => {
  const thread = watched();
  thread.run(600);
  thread.stack([handler]);
  thread.state.mark = 'parse';
  thread.run(50);
  thread.run(3000, false);
  const kept = thread.kept();
  await vi.runAllTimersAsync();
  expect(await kept).toContain(parse[0]);
});

test('a debugger is left alone, and so is a thread that ends', () => {
  const thread = watched();
  thread.run(600);
  Atomics.store(thread.shared.control, Word.Debugger, 1);
  thread.asked();
  thread.run(1000);
  expect([thread.asked(), thread.detached.at(-1)]).toEqual([[], 'recent']);
  Atomics.store(thread.shared.control, Word.Debugger, 0);
  thread.recent.finish();
  thread.run(1000);
  expect([thread.asked(), thread.detached.at(-1)]).toEqual([[], undefined]);
});
