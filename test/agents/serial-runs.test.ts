import { expect, test } from 'vitest';
import { type FollowedPromise, followedPromise } from '../../agents/agent/tracking/floating.ts';
import { SerialRuns } from '../../agents/agent/tracking/serial-runs.ts';
import { createSites, type Site } from '../../agents/agent/tracking/sites.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const frame = (name: string, line: number, awaits: 0 | 1 = 0): RawFrame => [
  name,
  'file:///srv/app.js',
  line,
  3,
  awaits,
];
const QUEUE: RawFrame = ['processTicksAndRejections', 'node:internal/process/task_queues', 95, 5];

function program() {
  const sites = createSites();
  const runs = new SerialRuns();
  return {
    read: () => runs.read([...sites.all()]),
    pause: () => runs.pause(),
    /** A call awaits at a line, perhaps below others that called it. */
    awaits(name: string, line: number, below: RawFrame[] = [QUEUE], weight = 1): FollowedPromise {
      const frames = [frame(name, line), ...below];
      const site = sites.here('await', '', '', frames)!;
      const one = followedPromise({ site, startMs: performance.now() - 100, weight }, {});
      runs.made(one, frames);
      return one;
    },
    goesOn: (one: FollowedPromise) => runs.wentOn(one),
    timer(line: number, ms: string, fired: number, maxMs: number): void {
      const site: Site = sites.here('handle', 'Timeout', ms, [frame('sleep', 90), frame('all', line)])!;
      site.ended = fired;
      site.position.durations.maxMs = maxMs;
    },
  };
}

/** A call that awaits at each of these lines in turn. */
function call(on: ReturnType<typeof program>, name: string, lines: number[]): void {
  let last: FollowedPromise | null = null;
  for (const line of lines) {
    const next = on.awaits(name, line);
    if (last) on.goesOn(last);
    last = next;
  }
  on.goesOn(last!);
}

test('a call that awaits ten times at one line is one run of ten', () => {
  const on = program();
  call(on, 'all', Array(10).fill(5));
  const [one, ...others] = on.read();
  expect(others).toEqual([]);
  expect(one).toMatchObject({ runs: 1, atOnce: 1, steps: [{ count: 10, pauses: 0, longest: { count: 10 } }] });
  expect(one!.steps[0]!.longest.waitedMs).toBeGreaterThanOrEqual(1000);
});

test('calls are told apart, also where they take turns', () => {
  const on = program();
  const first = on.awaits('all', 5);
  const other = on.awaits('all', 5);
  const second = on.awaits('all', 6);
  on.goesOn(first);
  const otherSecond = on.awaits('all', 6);
  on.goesOn(other);
  on.goesOn(second);
  on.goesOn(otherSecond);
  expect(on.read()).toMatchObject([
    {
      runs: 2,
      atOnce: 2,
      steps: [
        { count: 2, longest: { count: 1 } },
        { count: 2, longest: { count: 1 } },
      ],
    },
  ]);
});

test('a call that awaits once is no run, and neither is one that another function follows', () => {
  const on = program();
  call(on, 'once', [5]);
  const one = on.awaits('one', 5);
  on.awaits('other', 6);
  on.goesOn(one);
  expect(on.read()).toEqual([]);
});

test('a call that begins within the one that goes on is not taken for its next await', () => {
  const on = program();
  const one = on.awaits('all', 5);
  on.awaits('all', 5, [frame('all', 9), QUEUE]);
  on.goesOn(one);
  expect(on.read()).toEqual([]);
  // One that awaits the function is no caller of it.
  const two = on.awaits('all', 5);
  on.awaits('all', 6, [frame('main', 1, 1)]);
  on.goesOn(two);
  expect(on.read()).toMatchObject([{ runs: 1 }]);
});

test('awaits that stand for several, and those before a pause, are not joined', () => {
  const on = program();
  const one = on.awaits('all', 5);
  on.awaits('all', 5, [QUEUE], 8);
  on.goesOn(one);
  const two = on.awaits('all', 5);
  on.awaits('all', 5);
  on.pause();
  on.goesOn(two);
  expect(on.read()).toEqual([]);
});

test('timers that ran to their end below a line are its pauses, and time-outs that were cleared are not', () => {
  const on = program();
  on.timer(5, '100 ms', 9, 101);
  on.timer(5, '30000 ms', 9, 120);
  on.timer(7, '100 ms', 9, 101);
  call(on, 'all', Array(10).fill(5));
  expect(on.read()).toMatchObject([{ steps: [{ pauses: 9 }] }]);
});

test('only what waited since the last reading is read again', () => {
  const on = program();
  call(on, 'all', [5, 5, 5]);
  expect(on.read()).toHaveLength(1);
  expect(on.read()).toEqual([]);
  call(on, 'all', [5, 5]);
  expect(on.read()).toMatchObject([{ runs: 2, steps: [{ count: 5, longest: { count: 3 } }] }]);
});
