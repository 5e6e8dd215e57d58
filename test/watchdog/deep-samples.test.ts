import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDeepSamples } from '../../agents/watchdog/deep-sample/deep-samples.ts';
import type { Level, Row, RowOf, RowType } from '../../src/recording/types.ts';
import { seconds } from '../support/recording.ts';
import { fakeThread } from './support.ts';

const LOOK_MS = 2000;

function watched(level: Level = 'watch') {
  const thread = fakeThread();
  const recorded: Row[] = [];
  const tracked: boolean[] = [];
  const seen = { debugger: false, lent: 0 };
  const samples = createDeepSamples({
    kept: {
      consider: () => {},
      mayCollect: () => true,
      lend: () => {
        seen.lent++;
        return { isMine: () => false, giveBack: () => {} };
      },
    },
    capture: thread.capture,
    toFrame: ([name]) => ({ function: name, file: '', line: 0, column: 0, category: 'application' }),
    maps: { mapped: (make, use) => use(make()) },
    now: thread.now,
    level,
    observedThread: () => null,
    debuggerAttached: () => seen.debugger,
    track: (wanted) => void tracked.push(wanted),
    record: (row) => void recorded.push(row),
    rows: thread.rows,
  });
  const of = <T extends RowType>(type: T) => recorded.filter((row): row is RowOf<T> => row.type === type);
  return {
    samples,
    thread,
    tracked,
    seen,
    triggers: () => of('trigger').map(({ reason, deepSample }) => `${reason}${deepSample ? ', a deep sample' : ''}`),
    deepSamples: () => of('deep-sample').map(({ reasons }) => reasons),
    /** The clock moves on, and so do the timers. */
    pass(ms: number) {
      thread.at(thread.now() + ms);
      vi.advanceTimersByTime(ms);
      thread.answer('hookCounts', null);
    },
    /** A second in which the program was like this. */
    second(fields: Parameters<typeof seconds>[1]) {
      this.pass(1000);
      thread.add(...seconds(1, fields, thread.now()));
      samples.consider();
    },
  };
}

const BUSY = { utilization: 0.9 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('at level watch', () => {
  test('a deep sample follows a trigger, lasts for two seconds, and does not come again for two minutes', () => {
    const lab = watched();
    for (let i = 0; i < 4; i++) lab.second(BUSY);
    expect(lab.triggers()).toEqual(['utilization, a deep sample']);
    expect(lab.thread.asked()).toEqual(expect.arrayContaining(['startHooks', 'stack', 'stopHooks', 'shortIntervals']));
    lab.pass(LOOK_MS);
    expect(lab.deepSamples()).toEqual([['utilization']]);
    for (let i = 0; i < 110; i++) lab.second(BUSY);
    expect(lab.deepSamples()).toHaveLength(1);
    for (let i = 0; i < 15; i++) lab.second(BUSY);
    expect(lab.deepSamples()).toHaveLength(2);
  });

  test('what goes on is told once, and again when it has gone and come back', () => {
    const lab = watched();
    for (let i = 0; i < 8; i++) lab.second(BUSY);
    for (let i = 0; i < 3; i++) lab.second({});
    for (let i = 0; i < 8; i++) lab.second(BUSY);
    expect(lab.triggers()).toEqual(['utilization, a deep sample', 'utilization']);
  });

  test('another reason has its own time, but not at once', () => {
    const lab = watched();
    for (let i = 0; i < 5; i++) lab.second(BUSY);
    for (let i = 0; i < 5; i++) lab.second({ gcMs: 200 });
    expect(lab.triggers()).toEqual(['utilization, a deep sample', 'gc']);
    for (let i = 0; i < 15; i++) lab.second({ gcMs: 200 });
    expect(lab.triggers()).toEqual(['utilization, a deep sample', 'gc', 'gc, a deep sample']);
    expect(lab.seen.lent).toBe(1);
  });

  test('resources that grow are followed for fifteen seconds', () => {
    const lab = watched();
    for (let i = 0; i < 40; i++) lab.second({ timers: 40 + 20 * Math.floor(i / 10) });
    expect(lab.triggers()).toEqual(['resources, a deep sample']);
    expect(lab.tracked).toEqual([true]);
    lab.pass(15_000);
    expect(lab.tracked).toEqual([true, false]);
  });

  test('nothing is looked at in the first second, or beside a debugger', () => {
    const early = watched();
    early.thread.add(...seconds(2, BUSY));
    early.thread.at(900);
    early.samples.consider();
    expect(early.triggers()).toEqual([]);
    const debugged = watched();
    debugged.seen.debugger = true;
    for (let i = 0; i < 4; i++) debugged.second(BUSY);
    expect(debugged.triggers()).toEqual([]);
  });
});

test('at level diagnose there is a deep sample every ten seconds', () => {
  const lab = watched('diagnose');
  for (let i = 0; i < 35; i++) lab.second({});
  expect(lab.deepSamples()).toEqual([['routine'], ['routine'], ['routine'], ['routine']]);
  expect(lab.triggers()).toEqual([]);
  lab.samples.setLevel('watch');
  for (let i = 0; i < 35; i++) lab.second({});
  expect(lab.deepSamples()).toHaveLength(4);
});

test('where the thread ends, so does the deep sample, with what it saw', () => {
  const lab = watched();
  for (let i = 0; i < 2; i++) lab.second(BUSY);
  lab.samples.finish();
  expect(lab.deepSamples()).toEqual([['utilization']]);
  expect(lab.thread.detached).toContain('deep-sample');
});
