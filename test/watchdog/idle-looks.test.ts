/** When the heap of a thread that idles is looked through for suspended calls. */
import { expect, test } from 'vitest';
import { IdleLooks } from '../../agents/watchdog/idle-looks.ts';
import type { Row, RowOf, RowType } from '../../src/recording/types.ts';

const SLOW_MS = 0.13;

interface Thread {
  utilization: number;
  heapMb: number;
  /** Tracking has run since this time. */
  followedSince: number | null;
  isOff: boolean;
}

/** What was asked for at which second, true for a look into the heap. */
function looksOf(seconds: number, threadAt: (second: number) => Partial<Thread>, pauseMs = 40, speed = SLOW_MS) {
  const rows: Row[] = [];
  const asked: [second: number, heap: boolean][] = [];
  let t = 0;
  let isOff = false;
  const looks = new IdleLooks({
    rows: <T extends RowType>(type: T) => rows.filter((row) => row.type === type) as RowOf<T>[],
    now: () => t,
    isOff: () => isOff,
    speedMs: () => speed,
    look: {
      take(heap = false) {
        asked.push([t / 1000, heap]);
        if (heap) looks.measured(pauseMs);
        return Promise.resolve();
      },
    },
  });
  for (let second = 1; second <= seconds; second++) {
    t = second * 1000;
    const thread = { utilization: 0.01, heapMb: 4, followedSince: null, isOff: false, ...threadAt(second) };
    isOff = thread.isOff;
    const spaces = { new_space: 20e6, old_space: thread.heapMb * 1e6 };
    rows.push({ t, type: 'event-loop-utilization', utilization: thread.utilization } as Row);
    rows.push({ t, type: 'memory', spaces } as unknown as Row);
    if (thread.followedSince !== null) {
      rows.push({ t, type: 'unfinished', trackedMs: t - thread.followedSince } as unknown as Row);
    }
    looks.consider();
  }
  return asked;
}

test('a thread that idles is looked at, and again ten seconds later; from then on less and less often', () => {
  const asked = looksOf(400, () => ({}));
  expect(asked.slice(0, 4)).toEqual([
    [5, true],
    [15, false],
    [65, true],
    [75, false],
  ]);
  expect(asked.filter(([, heap]) => heap)).toHaveLength(3);
});

test('the second look comes also when the thread is busy by then: it asks for what was found', () => {
  const asked = looksOf(30, (second) => ({ utilization: second > 8 ? 1 : 0 }));
  expect(asked).toEqual([
    [5, true],
    [15, false],
  ]);
});

test.each([
  ['busy', { utilization: 0.3 }],
  ['a large heap', { heapMb: 30 }],
  ['a debugger', { isOff: true }],
])('none with %s', (_, thread) => {
  expect(looksOf(100, () => thread)).toEqual([]);
});

test('one look even where all is followed: what began at the start may have begun before', () => {
  expect(looksOf(400, () => ({ followedSince: 100 }))).toEqual([
    [5, true],
    [15, false],
  ]);
});

test('what has been followed for a short while only tells little: it is looked at', () => {
  expect(looksOf(30, (second) => ({ followedSince: (second - 2) * 1000 })).length).toBeGreaterThan(0);
});

test('a fast machine goes through a larger heap; where it took long, it is not done again', () => {
  expect(looksOf(30, () => ({ heapMb: 12 }), 40, SLOW_MS / 3)).toHaveLength(2);
  expect(looksOf(400, () => ({ heapMb: 5 }), 200).filter(([, heap]) => heap)).toHaveLength(1);
});
