import { describe, expect, test } from 'vitest';
import { timeline } from '../../src/exporters/timeline.ts';
import type { TraceEvent } from '../../src/exporters/trace/types.ts';
import { cutProfile } from '../../src/profile/cut.ts';
import type { Profile } from '../../src/profile/types.ts';
import { profileOf, threadOf } from '../support/profile.ts';
import { checkTrace } from '../support/trace-format.ts';

const main = threadOf([
  ['handler;render', 3000],
  ['handler;render;escape', 1000],
  ['(idle)', 5000],
  ['handler;render', 2000],
  ['handler', 500],
  ['(garbage collector)', 700],
]);

function written(
  profile: Profile,
  check = checkTrace,
): { events: TraceEvent[]; slices: TraceEvent[]; dropped: number } {
  const { traceEvents: events, otherData } = JSON.parse(String(timeline.write(profile)));
  check(events);
  return { events, slices: events.filter(({ ph }: TraceEvent) => ph === 'X'), dropped: otherData.dropped };
}

const told = (slices: readonly TraceEvent[]): unknown[] => slices.map(({ name, ts, dur }) => [name, ts, dur]);

describe('a CPU profile as a timeline', () => {
  test('what lasts from one sample to the next is one slice, idle none', () => {
    const { slices, dropped } = written(profileOf([main]));
    expect(told(slices)).toEqual([
      ['handler', 0, 4000],
      ['render', 0, 4000],
      ['escape', 3000, 1000],
      ['handler', 9000, 2500],
      ['render', 9000, 2000],
      ['(garbage collector)', 11500, 700],
    ]);
    expect(slices[1]).toMatchObject({ cat: 'application', args: { at: '/srv/app/render.ts:10:5' } });
    expect(dropped).toBe(0);
  });

  test('threads begin when they were begun, and have their numbers', () => {
    const of = (threadId: number, startUs: number) => ({ ...main, origin: { startUs, pid: 4711, threadId } });
    const { events, slices } = written(profileOf([of(0, 5e9), { ...of(2, 5e9 + 250), name: 'worker 2' }]));
    expect(slices.filter(({ name }) => name === 'escape').map(({ pid, tid, ts }) => [pid, tid, ts])).toEqual([
      [4711, 0, 3000],
      [4711, 2, 3250],
    ]);
    expect(events.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [tid, args!.name])).toEqual([
      [0, 'main thread'],
      [2, 'worker 2'],
    ]);
  });

  test('the parts of a profile that was cut do not grow together', () => {
    const thread = threadOf([
      ['a;b', 1000],
      ['a;c', 1000],
      ['a;b', 1000],
    ]);
    const { slices } = written(cutProfile(profileOf([thread]), { focus: /b/ })!);
    expect(told(slices)).toEqual([
      ['b', 0, 1000],
      ['b', 2000, 1000],
    ]);
  });

  test('too many slices: the longest are kept, callers with them, and the rest is counted', () => {
    const stacks = Array.from({ length: 4e5 }, (_, i): [string, number] => [
      i % 3 === 0 ? 'loop;a;b' : `loop;${i % 2 ? 'a' : 'c'}`,
      900 + (i % 200),
    ]);
    const { slices, dropped } = written(profileOf([threadOf(stacks)]), () => []);
    expect(slices.length).toBeGreaterThan(290_000);
    expect(slices.length).toBeLessThan(310_000);
    expect(dropped).toBeGreaterThan(50_000);
    expect(slices[0]).toMatchObject({ name: 'loop', ts: 0 });
  });

  test('bytes, and stacks without times, have no course', () => {
    expect(() => timeline.write(profileOf([main], { unit: 'bytes' }))).toThrow('Take another format');
    expect(() => timeline.write(profileOf([{ ...main, samples: null }]))).toThrow('Take another format');
  });
});
