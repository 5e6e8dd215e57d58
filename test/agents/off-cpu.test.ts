import { expect, test } from 'vitest';
import { noteWaits, withIdle } from '../../agents/watchdog/platform/off-cpu.ts';
import type { ThreadStat } from '../../agents/watchdog/platform/thread-stat.ts';
import type { V8CpuProfile } from '../../src/protocol/profile-parts.ts';

const callFrame = (functionName: string) => ({ functionName, scriptId: '1', url: '', lineNumber: 0, columnNumber: 0 });
const profile = (...extra: V8CpuProfile['nodes']): V8CpuProfile => ({
  nodes: [
    { id: 1, callFrame: callFrame('(root)'), children: [2] },
    { id: 2, callFrame: callFrame('onMessage'), children: [3], positionTicks: [{ line: 4, ticks: 3 }] },
    { id: 3, callFrame: callFrame('job') },
    ...extra,
  ],
  startTime: 1000,
  endTime: 6000,
  samples: [2, 2, 3, 2],
  timeDeltas: [1000, 1000, 1000, 1000],
});

test('what was sampled while the thread waited for others is idle', () => {
  const { nodes, samples } = withIdle(profile(), [
    [1500, 3100],
    [4900, 5100],
  ]);
  expect(samples).toEqual([4, 4, 3, 4]);
  expect(nodes[0]?.children).toEqual([2, 4]);
  expect(nodes[1]?.positionTicks).toEqual([{ line: 4, ticks: 0 }]);
  expect(nodes[3]?.callFrame.functionName).toBe('(idle)');
});

test('the idle time that V8 tells of itself stays one node', () => {
  const idle = { id: 9, callFrame: callFrame('(idle)') };
  const { nodes, samples } = withIdle(profile(idle), [[1500, 2100]]);
  expect(samples).toEqual([9, 2, 3, 2]);
  expect(nodes).toHaveLength(4);
});

test('without a wait nothing is changed', () => {
  expect(withIdle(profile(), [])).toEqual(profile());
});

test('only who waits for other threads, and hardly runs, is taken to wait', () => {
  const spansOf = (state: ThreadStat['state'], cpuMs: number) => {
    const stat = { state, majorFaults: 0, diskMs: 0 };
    let ranMs = 0;
    const stop = noteWaits({
      stat: () => stat,
      cpu() {
        ranMs += cpuMs;
        return { cpuMs: ranMs, runQueueMs: 0, timeslices: 0 };
      },
    });
    return stop().length;
  };
  expect(spansOf('locked', 0)).toBe(1);
  expect(spansOf('locked', 1e9)).toBe(0);
  expect(spansOf('sleeps', 0)).toBe(0);
});
