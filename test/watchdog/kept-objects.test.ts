import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeptObjects } from '../../agents/watchdog/deep-sample/kept-objects.ts';
import { holdSessions } from '../../agents/watchdog/platform/held-sessions.ts';
import type { Row } from '../../src/recording/types.ts';
import { gc } from '../support/recording.ts';
import { fakeThread } from './support.ts';

const READ = 'HeapProfiler.getSamplingProfile';
const PROFILE = { head: { callFrame: frameOf('(root)'), selfSize: 0, id: 1, children: [] }, samples: [] };

function frameOf(functionName: string) {
  return { functionName, scriptId: '0', url: '', lineNumber: 0, columnNumber: 0 };
}

function watched({ always = false } = {}) {
  const thread = fakeThread();
  const recorded: Row[] = [];
  const kept = new KeptObjects({
    capture: thread.capture,
    toFrame: ([name]) => ({ function: name, file: '', line: 0, column: 0, category: 'native' }),
    maps: { mapped: (make, use) => use(make()) },
    now: thread.now,
    record: (row) => void recorded.push(row),
    rows: thread.rows,
    keepFile: () => 'kept.heapprofile',
    always,
  });
  let mb = 20;
  return {
    ...thread,
    kept,
    recorded,
    /** A second with a collection, after which more is alive, or as much. */
    second(moreMb: number, level: 'watch' | 'diagnose' = 'watch') {
      thread.at(thread.now() + 1000);
      mb += moreMb;
      const afterMajor = { oldBytes: mb * 1e6, externalBytes: 1e6 };
      thread.add(gc({ t: thread.now(), majorCount: 1, afterMajor }));
      kept.consider(level);
    },
    /** Asked whether somebody samples, the thread says no, and begins. */
    started() {
      thread.answer(READ, null);
      thread.answer('HeapProfiler.startSampling', {});
    },
    /** The heap grows until the samples are asked for. */
    growUntilRead() {
      let isStarted = false;
      for (let i = 0; i < 60; i++) {
        this.second(3);
        const isAsked = thread.calls.some(({ name }) => name === READ);
        if (isAsked && isStarted) return;
        if (isAsked) this.started();
        isStarted ||= isAsked;
      }
      throw new Error('nobody asked for the samples');
    },
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a level heap is not sampled', () => {
  const thread = watched();
  for (let i = 0; i < 30; i++) thread.second(0);
  expect([thread.asked(), thread.recorded]).toEqual([[], []]);
});

test('a heap that rises is sampled, and read once after its growth is sure: once in ten minutes', () => {
  const thread = watched();
  thread.growUntilRead();
  expect(thread.answer(READ, { profile: PROFILE })).toBe(1);
  expect(thread.recorded).toMatchObject([{ type: 'allocations', file: 'kept.heapprofile', intervalBytes: 1 << 17 }]);
  for (let i = 0; i < 300; i++) thread.second(0.2);
  expect(thread.asked().filter((name) => name === READ)).toEqual([]);
});

test('what has risen but little is alive is sampled at most for three minutes', () => {
  const thread = watched();
  for (let i = 0; i < 12; i++) thread.second(3);
  thread.started();
  for (let i = 0; i < 400; i++) thread.second(0);
  expect(thread.asked()).toContain('HeapProfiler.disable');
});

test('a large heap is left alone', () => {
  const thread = watched();
  thread.second(200);
  for (let i = 0; i < 30; i++) thread.second(3);
  expect(thread.asked()).toEqual([]);
});

test('at level diagnose it is sampled from the start, where the thread may be', () => {
  const always = watched({ always: true });
  always.second(0, 'diagnose');
  always.started();
  expect(always.asked()).toEqual([]);
  always.second(0, 'watch');
  expect(always.asked()).toEqual(['HeapProfiler.disable']);
  const worker = watched();
  worker.second(0, 'diagnose');
  expect(worker.asked()).toEqual([]);
});

describe('the only sampler', () => {
  test('is the program’s where that uses it, and is not asked for again', () => {
    const thread = watched({ always: true });
    thread.second(0, 'diagnose');
    thread.answer(READ, { profile: PROFILE });
    for (let i = 0; i < 5; i++) thread.second(0, 'diagnose');
    expect(thread.asked()).toEqual([]);
    expect(thread.kept.mayCollect('watch')).toBe(false);
  });

  test('is lent to a deep sample, given back, or found to be the program’s', () => {
    const thread = watched();
    const loan = thread.kept.lend();
    expect(loan.isMine()).toBe(true);
    loan.giveBack(false);
    expect([loan.isMine(), thread.kept.mayCollect('watch')]).toEqual([false, true]);
    thread.kept.lend().giveBack(true);
    expect(thread.kept.mayCollect('watch')).toBe(false);
  });

  test('rests while somebody samples on request', () => {
    const thread = watched({ always: true });
    thread.kept.hold(true);
    thread.second(0, 'diagnose');
    expect(thread.asked()).toEqual([]);
    thread.kept.hold(false);
    thread.second(0, 'diagnose');
    expect(thread.asked()).toEqual([READ]);
  });

  test('goes on while sessions are held: to stop it would give objects other numbers', () => {
    const thread = watched({ always: true });
    thread.second(0, 'diagnose');
    thread.started();
    const release = holdSessions();
    thread.second(0, 'watch');
    expect(thread.asked()).toEqual([]);
    release();
    thread.second(0, 'watch');
    expect(thread.asked()).toEqual(['HeapProfiler.disable']);
  });
});

test('a stall that begins about when the profile is asked for is that collection', () => {
  const thread = watched();
  expect(thread.kept.caused(0)).toBe(false);
  thread.growUntilRead();
  const askedAt = thread.now();
  thread.at(askedAt + 80);
  thread.answer(READ, { profile: PROFILE });
  const causes = [-31, -30, 40, 80, 81].map((ms) => thread.kept.caused(askedAt + ms));
  expect(causes).toEqual([false, true, true, true, false]);
});

test('a program that allocates much is sampled less often, from when that is known', () => {
  const thread = watched({ always: true });
  const intervals: unknown[] = [];
  /** A second in which the young generation was collected so often. */
  const second = (collections: number): void => {
    thread.at(thread.now() + 1000);
    thread.add(gc({ t: thread.now(), count: collections, majorCount: 0 }));
    thread.kept.consider('diagnose');
    thread.answer(READ, null);
    intervals.push(
      ...thread.calls.filter(({ name }) => name === 'HeapProfiler.startSampling').map((call) => call.params),
    );
    thread.answer('HeapProfiler.startSampling', {});
  };
  for (const collections of [1, 1, 20, 20, 20, 20]) second(collections);
  expect(intervals).toEqual([{ samplingInterval: 1 << 17 }, { samplingInterval: 1 << 19 }]);
});
