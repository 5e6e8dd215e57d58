import { describe, expect, test } from 'vitest';
import type { CpuLimit } from '../../agents/watchdog/platform/container.ts';
import type { Pressure } from '../../agents/watchdog/platform/pressure.ts';
import {
  openThreadStat,
  parseStat,
  type TaskState,
  type ThreadStat,
} from '../../agents/watchdog/platform/thread-stat.ts';
import { StallClocks } from '../../agents/watchdog/stall/stall-times.ts';

function fakeThread() {
  const clocks = { cpuMs: 0, runQueueMs: 0, timeslices: 0 };
  const limit: { now: CpuLimit | null } = { now: null };
  const pressure: { now: Pressure | null } = { now: null };
  const stat: ThreadStat = { state: 'runs', majorFaults: 0, diskMs: 0 };
  const thread = { ended: false };
  const times = new StallClocks({
    cpu: () => (thread.ended ? null : { ...clocks }),
    limit: () => limit.now && { ...limit.now },
    pressure: () => pressure.now && { ...pressure.now },
    stat: () => (thread.ended ? null : { ...stat }),
  });
  const look = (state: TaskState, ms: number): void => {
    stat.state = state;
    times.look(ms);
  };
  return { clocks, limit, pressure, stat, thread, times, look };
}

test('what was read stands for the whole gap, and is no more than it', () => {
  const { clocks, times } = fakeThread();
  times.beat(1000);
  clocks.cpuMs = 40;
  clocks.runQueueMs = 10;
  // It began 50 ms before this thread noticed the beat.
  expect(times.measure(1050, 100)).toEqual({ cpuMs: 80, runQueueMs: 20 });
  clocks.cpuMs = 400;
  expect(times.measure(1500, 100)).toEqual({ cpuMs: expect.closeTo(97.6, 1), runQueueMs: expect.closeTo(2.4, 1) });
});

test('states are weighed by the time they were seen after', () => {
  const { stat, times, look } = fakeThread();
  times.beat(0);
  stat.state = 'sleeps';
  times.begin(50);
  look('sleeps', 10);
  look('runs', 10);
  look('uninterruptible', 10);
  look('uninterruptible', 10);
  look('locked', 5);
  look('held', 1000);
  stat.majorFaults = 3;
  look('runs', 10);
  expect(times.measure(1100, 1100)).toMatchObject({ sleptMs: 60, lockedMs: 5, diskMs: 20, majorFaults: 3 });
});

test('nothing is said of a gap that nobody looked into', () => {
  const { times } = fakeThread();
  times.begin(50);
  times.beat(100);
  expect(times.measure(300, 200)).toEqual({ cpuMs: 0, runQueueMs: 0 });
});

test('what was last read of a thread stands for it once it has ended', () => {
  const { clocks, thread, times, look } = fakeThread();
  times.beat(0);
  times.begin(50);
  clocks.cpuMs = 3;
  clocks.runQueueMs = 900;
  look('runs', 900);
  thread.ended = true;
  look('runs', 250);
  expect(times.measure(1200, 1200)).toMatchObject({ cpuMs: 3, runQueueMs: 900 });
  times.beat(1200);
  expect(times.measure(1300, 100), 'nothing was read of this one').toMatchObject({ cpuMs: null, runQueueMs: null });
});

test('a CPU limit is told where there is one', () => {
  const { limit, times } = fakeThread();
  limit.now = { throttledMs: 5000, cpus: null };
  times.beat(0);
  expect(times.measure(100, 100)).not.toHaveProperty('throttledMs');
  limit.now = { throttledMs: 5080, cpus: 0.2 };
  expect(times.measure(100, 100)).toMatchObject({ throttledMs: 80, limitCpus: 0.2 });
});

describe('a wait that no signal interrupts', () => {
  const machine: Pressure = { of: 'machine', cpuMs: 0, ioMs: 0, memoryMs: 0 };

  test('is told once two looks in a row saw it: one is a moment, however late it came', () => {
    const { stat, times, look } = fakeThread();
    times.beat(0);
    stat.state = 'uninterruptible';
    times.begin(168);
    look('runs', 10);
    look('uninterruptible', 10);
    look('runs', 10);
    expect(times.measure(300, 300)).toMatchObject({ diskMs: 0, kernelMs: 0 });
    look('uninterruptible', 10);
    look('uninterruptible', 10);
    expect(times.measure(320, 320)).toMatchObject({ diskMs: 20, kernelMs: 0 });
  });

  test('is a disk only as far as the kernel counted tasks that wait for one', () => {
    const { pressure, times, look } = fakeThread();
    pressure.now = machine;
    times.beat(0);
    times.begin(0);
    for (let i = 0; i < 10; i++) look('uninterruptible', 20);
    pressure.now = { ...machine, ioMs: 30 };
    expect(times.measure(200, 200)).toMatchObject({ diskMs: 30, kernelMs: 170 });
    pressure.now = { ...machine, ioMs: 5000 };
    expect(times.measure(200, 200)).toMatchObject({ diskMs: 200, kernelMs: 0 });
  });
});

test('what the machine lacked during the part that was looked at stands for the whole', () => {
  const { pressure, times, look } = fakeThread();
  pressure.now = { of: 'container', cpuMs: 1000, ioMs: 7, memoryMs: null };
  times.beat(0);
  times.begin(50);
  look('runs', 50);
  pressure.now = { of: 'container', cpuMs: 1040, ioMs: 7, memoryMs: null };
  expect(times.measure(100, 100).pressure).toEqual({ of: 'container', cpuMs: 80, ioMs: 0, memoryMs: null });
});

test('the line of a thread, whatever its name', () => {
  const first = '8404 8404 4159 0 -1 4194304 99 0 7 0 3 1 0 0 20 0 1 0 40595 3133440 410';
  const second =
    '18446744073709551615 94679121285120 94679121305001 140721023699056 0 0 0 0 0 0 0 0 0 17 0 0 0 25 0 0 94679121321008';
  expect(parseStat(`4242 (node (x) y) D ${first} ${second}\n`)).toEqual({
    state: 'uninterruptible',
    majorFaults: 7,
    diskMs: 250,
  });
  expect(parseStat('')).toBeNull();
});

test.runIf(process.platform === 'linux')('of this process', () => {
  const read = openThreadStat(process.pid);
  expect(read()).toMatchObject({ majorFaults: expect.any(Number), diskMs: expect.any(Number) });
  read.close();
  expect(read()).toBeNull();
});
