import { expect, test } from 'vitest';
import {
  openThreadStat,
  parseStat,
  type TaskState,
  type ThreadStat,
} from '../../agents/watchdog/platform/thread-stat.ts';
import { createStallTimes } from '../../agents/watchdog/stall/stall-times.ts';

function fakeThread() {
  const clocks = { cpuMs: 0, runQueueMs: 0, timeslices: 0 };
  const limit: { ms: number | null } = { ms: null };
  const stat: ThreadStat = { state: 'runs', majorFaults: 0, diskMs: 0 };
  const times = createStallTimes({
    cpu: () => ({ ...clocks }),
    throttledMs: () => limit.ms,
    stat: () => ({ ...stat }),
  });
  return { clocks, limit, stat, times };
}

test('what was read stands for the whole silence, and is no more than it', () => {
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
  const { stat, times } = fakeThread();
  const look = (state: TaskState, ms: number) => {
    stat.state = state;
    times.look(ms);
  };
  times.beat(0);
  stat.state = 'sleeps';
  times.begin(50);
  look('sleeps', 10);
  look('runs', 10);
  look('disk', 20);
  look('locked', 5);
  look('held', 1000);
  stat.majorFaults = 3;
  look('runs', 10);
  expect(times.measure(1100, 1100)).toMatchObject({ sleptMs: 60, lockedMs: 5, diskMs: 20, majorFaults: 3 });
});

test('nothing is told of a silence that nobody looked into', () => {
  const { times } = fakeThread();
  times.begin(50);
  times.beat(100);
  expect(times.measure(300, 200)).toEqual({ cpuMs: 0, runQueueMs: 0 });
});

test('a CPU limit is told where there is one', () => {
  const { limit, times } = fakeThread();
  limit.ms = 5000;
  times.beat(0);
  limit.ms = 5080;
  expect(times.measure(100, 100)).toMatchObject({ throttledMs: 80 });
});

test('the line of a thread, whatever its name', () => {
  const first = '8404 8404 4159 0 -1 4194304 99 0 7 0 3 1 0 0 20 0 1 0 40595 3133440 410';
  const second =
    '18446744073709551615 94679121285120 94679121305001 140721023699056 0 0 0 0 0 0 0 0 0 17 0 0 0 25 0 0 94679121321008';
  expect(parseStat(`4242 (node (x) y) D ${first} ${second}\n`)).toEqual({ state: 'disk', majorFaults: 7, diskMs: 250 });
  expect(parseStat('')).toBeNull();
});

test.runIf(process.platform === 'linux')('of this process', () => {
  const read = openThreadStat(process.pid);
  expect(read()).toMatchObject({ majorFaults: expect.any(Number), diskMs: expect.any(Number) });
  read.close();
  expect(read()).toBeNull();
});
