import { expect, test } from 'vitest';
import { TrueUtilization } from '../../agents/watchdog/true-utilization.ts';
import type { StallRow } from '../../src/recording/types.ts';
import { stall } from '../support/recording.ts';

const asRead = { type: 'event-loop-utilization' as const, utilization: 0.87, activeMs: 870, idleMs: 130 };

/** One second in which the thread ran for so long, and what the row says then. */
function afterOneSecond(
  [cpuMs, runQueueMs]: [number, number],
  { isProfiled = true, stalls = [], known = true }: { isProfiled?: boolean; stalls?: StallRow[]; known?: boolean } = {},
) {
  let clocks = { cpuMs: 500, runQueueMs: 50 };
  const seen: StallRow[] = [];
  const utilization = new TrueUtilization({
    cpu: () => (known ? clocks : null),
    isProfiled: () => isProfiled,
    stalls: () => seen,
  });
  clocks = { cpuMs: 500 + cpuMs, runQueueMs: 50 + runQueueMs };
  seen.push(...stalls);
  return utilization.corrected(asRead);
}

test('an idle loop that is profiled is as busy as its thread ran or wanted to', () => {
  expect(afterOneSecond([30, 20])).toEqual({ ...asRead, activeMs: 50, idleMs: 950, utilization: 0.05 });
});

test.each([
  ['nobody profiles it', afterOneSecond([30, 20], { isProfiled: false })],
  ['it ran for longer', afterOneSecond([900, 20])],
  ['it waited for a core', afterOneSecond([30, 860])],
  [
    'it waited within a call',
    afterOneSecond([30, 0], { stalls: [stall({ durationMs: 900, cpuMs: 10, runQueueMs: 0 })] }),
  ],
  ['the platform reports no CPU time', afterOneSecond([30, 20], { known: false })],
])('as Node reads it where %s', (_what, row) => {
  expect(row).toEqual(asRead);
});

test('a profile that has ended since counts for the row, the ones after it do not', () => {
  let clocks = { cpuMs: 0, runQueueMs: 0 };
  let isProfiled = true;
  const utilization = new TrueUtilization({ cpu: () => clocks, isProfiled: () => isProfiled, stalls: () => [] });
  const next = (): number => {
    clocks = { cpuMs: clocks.cpuMs + 100, runQueueMs: 0 };
    return utilization.corrected(asRead).utilization;
  };
  expect(next()).toBe(0.1);
  isProfiled = false;
  expect(next()).toBe(0.1);
  expect(next()).toBe(0.87);
});
