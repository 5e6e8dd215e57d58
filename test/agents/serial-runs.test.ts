import { expect, test } from 'vitest';
import { type FollowedPromise, followedPromise } from '../../agents/agent/tracking/floating.ts';
import { pausesBelow } from '../../agents/agent/tracking/pauses.ts';
import { type Awaiting, SerialRuns } from '../../agents/agent/tracking/serial-runs.ts';
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
    /** A call awaits at a line, below those that called it. */
    awaits(name: string, line: number, weight = 1): FollowedPromise {
      const site = sites.here('await', '', '', [frame(name, line), QUEUE])!;
      return followedPromise({ site, startMs: performance.now() - 100, weight }, {});
    },
    /** The call goes on, to its next await or to its end. */
    goesOn: (one: Awaiting, next: Awaiting | null = null) => runs.wentOn(one, next),
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
    if (last) on.goesOn(last, next);
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
  on.goesOn(first, second);
  const otherSecond = on.awaits('all', 6);
  on.goesOn(other, otherSecond);
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

test('a call that awaits once is no run', () => {
  const on = program();
  call(on, 'once', [5]);
  expect(on.read()).toEqual([]);
});

test('where an await of a call was not located, its time is not counted, and the run goes on', () => {
  const on = program();
  const nowhere: Awaiting = { site: null, at: null, startMs: performance.now() - 100, weight: 1, run: null };
  const [first, last] = [on.awaits('all', 5), on.awaits('all', 5)];
  on.goesOn(first, nowhere);
  on.goesOn(nowhere, last);
  on.goesOn(last);
  expect(on.read()).toMatchObject([{ runs: 1, steps: [{ count: 2, longest: { count: 2 } }] }]);
});

test('where an await stands for several, others may be under way at the same time', () => {
  const on = program();
  const one = on.awaits('all', 5, 8);
  on.goesOn(one, on.awaits('all', 5));
  expect(on.read()).toMatchObject([{ runs: 1, atOnce: 2 }]);
});

test('the longest call is the one of which most could be saved', () => {
  const on = program();
  call(on, 'all', Array(8).fill(5));
  const long = on.awaits('all', 5);
  long.startMs -= 5000;
  const next = on.awaits('all', 5);
  on.goesOn(long, next);
  on.goesOn(next);
  expect(on.read()).toMatchObject([{ steps: [{ count: 10, longest: { count: 8 } }] }]);
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

test('and so do those that a function below the line hands to then, which calls it later', () => {
  const sites = createSites();
  const runs = new SerialRuns();
  const await5 = (): FollowedPromise => {
    const site = sites.here('await', '', '', [frame('all', 5), QUEUE])!;
    return followedPromise({ site, startMs: performance.now() - 100, weight: 1 }, {});
  };
  const [first, second] = [await5(), await5()];
  sites.here('reaction', 'then', '', [frame('turn', 20), frame('slowly', 12), frame('all', 5)]);
  for (const [line, fired] of [
    [21, 7],
    [40, 9],
  ] as const) {
    const site = sites.here('handle', 'Timeout', '15 ms', [frame('sleep', 90), frame('', line)])!;
    site.ended = fired;
    site.position.durations.maxMs = 16;
  }
  runs.wentOn(first, second);
  runs.wentOn(second, null);
  expect(runs.read([...sites.all()])).toMatchObject([{ steps: [{ pauses: 7 }] }]);
});

test('an interval beside a function below the line may be what is waited for, and one elsewhere is not', () => {
  const pauses = [30, 90].map((line) => {
    const sites = createSites();
    const all = sites.here('await', '', '', [frame('all', 5)])!;
    sites.here('promise', 'new', '', [frame('take', 33), frame('send', 12), frame('all', 5)]);
    sites.here('handle', 'Timeout', 'interval', [frame('Bucket', line)])!.alive = 1;
    return pausesBelow(all.frames, [...sites.all()])(all.frames[0]!, 9);
  });
  expect(pauses).toEqual([9, 0]);
});
