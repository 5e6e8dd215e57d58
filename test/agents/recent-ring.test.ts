import { expect, test } from 'vitest';
import { createRecentRing, type RingBounds } from '../../agents/watchdog/recent/recent-ring.ts';
import type { V8CpuProfile } from '../../src/protocol/profile-parts.ts';
import type { RecentFrame } from '../../src/protocol/thread-api.ts';

const frame = (name: string): RecentFrame => [name, '/srv/app.js', name.length, 1];

type Sample = [stack: string, askedMs: number, answeredMs: number, idleMs?: number];

function ringOf(samples: readonly Sample[], bounds: RingBounds = { maxSamples: 100, keepMs: 10_000 }) {
  const ring = createRecentRing(bounds);
  for (const [stack, askedMs, answeredMs, idleMs = 0] of samples) {
    ring.add({ askedMs, answeredMs, idleMs, node: ring.place(stack.split(';').map(frame)), line: 3 });
  }
  return ring;
}

/** 'function ms' in the order of time. */
function timeline({ nodes, samples, timeDeltas, endTime }: V8CpuProfile): string[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const starts: number[] = [];
  for (const delta of timeDeltas) starts.push((starts.at(-1) ?? 0) + delta);
  return samples
    .map((id, i) => [names.get(id)!, ((starts[i + 1] ?? endTime) - starts[i]!) / 1000] as const)
    .filter(([, ms]) => ms > 0)
    .map(([name, ms]) => `${name} ${ms}`);
}

test.each<[string, Sample[], [from: number, to: number], string[]]>([
  ['without any stack it was idle', [], [0, 1000], ['(idle) 1000']],
  [
    'between two stacks, each has half',
    [
      ['a', 100, 100],
      ['b', 200, 200],
    ],
    [0, 300],
    ['a 150', 'b 50', '(idle) 100'],
  ],
  [
    'but for what was idle',
    [
      ['a', 100, 100],
      ['b', 200, 200, 60],
    ],
    [0, 200],
    ['a 120', '(idle) 60', 'b 20'],
  ],
  [
    'what answers late ran until then',
    [
      ['a', 10, 10],
      ['a;b', 20, 90],
      ['a', 100, 100],
    ],
    [0, 100],
    ['a 15', 'b 80', 'a 5'],
  ],
  [
    'it begins in the midst of one',
    [
      ['a', 10, 90],
      ['b', 100, 100],
    ],
    [50, 100],
    ['a 45', 'b 5'],
  ],
  [
    'and after those that are over',
    [
      ['a', 10, 20],
      ['b', 100, 100, 40],
    ],
    [50, 100],
    ['(idle) 40', 'b 10'],
  ],
])('%s', (_title, samples, [from, to], expected) => {
  expect(timeline(ringOf(samples).profile(from, to, null))).toEqual(expected);
});

test('stacks of the window alone are in the tree, with lines as ticks', () => {
  const { nodes } = ringOf([
    ['main;old', 10, 10],
    ['main;young', 100, 100],
    ['main;young', 110, 110],
  ]).profile(50, 120, null);
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toEqual(['(root)', 'main', 'young', '(idle)']);
  expect(nodes.map(({ children }) => children)).toEqual([[2, 4], [3], [], []]);
  expect(nodes[2]).toMatchObject({ callFrame: { url: '/srv/app.js', lineNumber: 4, columnNumber: 0 } });
  expect(nodes[2]!.positionTicks).toEqual([{ line: 3, ticks: 2 }]);
});

test('it is bounded by time, by number and by the size of the tree', () => {
  const many = (count: number, stackOf: (i: number) => string): Sample[] =>
    Array.from({ length: count }, (_, i) => [stackOf(i), i * 10, i * 10]);
  const told = (ring: ReturnType<typeof ringOf>, toMs: number): number => ring.profile(-1, toMs, null).samples.length;
  expect(
    told(
      ringOf(
        many(1000, () => 'a'),
        { maxSamples: 5000, keepMs: 1000 },
      ),
      10_000,
    ),
  ).toBeLessThan(135);
  expect(
    told(
      ringOf(
        many(1000, () => 'a'),
        { maxSamples: 50, keepMs: 1e6 },
      ),
      10_000,
    ),
  ).toBeLessThan(70);
  const deep = (i: number): string => Array.from({ length: 100 }, (_, depth) => `f${i}-${depth}`).join(';');
  const ring = ringOf(many(600, deep), { maxSamples: 5000, keepMs: 1e6 });
  const { nodes, samples } = ring.profile(-1, 6000, null);
  expect(nodes.length).toBeLessThan(20_002);
  expect(samples.length).toBeGreaterThan(80);
  // Those that are left have their own stacks still.
  expect(nodes.find(({ id }) => id === samples.at(-2))!.callFrame.functionName).toBe('f599-99');
});

/** Numbers between 0 and 1 that are the same each time. */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test('ten minutes are kept, thinner with age: shares, idle time and long calls stay what they were', () => {
  const samples: Sample[] = [];
  // Every 50 ms, for 11 minutes: 10 ms idle, and of the rest a has a quarter. Once a minute a call of 2 s.
  for (let t = 0; t < 660_000; t += 50) {
    const isLong = t % 60_000 === 30_000;
    samples.push([isLong ? 'long' : t % 200 === 0 ? 'a' : 'b', t, isLong ? t + 2000 : t, 10]);
    if (isLong) t += 2000;
  }
  const bounds = { maxSamples: 5000, keepMs: 600_000, random: sequence() };
  const profile = ringOf(samples, bounds).profile(60_000, 660_000, null);
  const ms = new Map<string, number>();
  for (const entry of timeline(profile)) {
    const [name, time] = entry.split(' ') as [string, string];
    ms.set(name, (ms.get(name) ?? 0) + Number(time));
  }
  // Of 12 000 stacks, the newest 1200 and some 2250 of the others.
  expect(profile.samples.length).toBeLessThan(2 * 5000);
  expect([...ms.values()].reduce((sum, one) => sum + one)).toBeCloseTo(600_000, 0);
  const busy = ms.get('a')! + ms.get('b')!;
  expect(ms.get('a')! / busy).toBeGreaterThan(0.22);
  expect(ms.get('a')! / busy).toBeLessThan(0.28);
  expect(ms.get('(idle)')! / 600_000).toBeGreaterThan(0.18);
  expect(ms.get('(idle)')! / 600_000).toBeLessThan(0.21);
  expect(ms.get('long')).toBeGreaterThan(20_000);
  // The last minute is whole.
  const last = ringOf(samples, bounds).profile(600_000, 660_000, null);
  const whole = ringOf(samples.slice(-1300), bounds).profile(600_000, 660_000, null);
  expect(last.samples.length).toBe(whole.samples.length);
});
