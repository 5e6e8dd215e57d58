import { describe, expect, test } from 'vitest';
import { cutProfile } from '../../src/profile/cut.ts';
import { diffOf } from '../../src/profile/diff.ts';
import { type Grouping, tableOf } from '../../src/profile/table.ts';
import type { Profile } from '../../src/profile/types.ts';
import { profileOf, stacksOf, threadOf } from '../support/profile.ts';

const rows = (profile: Profile, grouping: Grouping = 'function') =>
  Object.fromEntries(tableOf(profile, grouping).rows.map(({ name, self, total }) => [name, [self, total]]));

describe('tables', () => {
  test('self, total, recursion once, idle left out', () => {
    const profile = profileOf([
      threadOf([
        ['a;b;a;b', 10],
        ['a;c', 5],
        ['a', 1],
        ['(idle)', 1000],
      ]),
    ]);
    expect(rows(profile)).toEqual({ b: [10, 10], c: [5, 5], a: [1, 16] });
    expect(tableOf(profile, 'function').all).toBe(16);
  });

  test('time that is idle below a function is left out of its total', () => {
    const profile = profileOf([
      threadOf([
        ['a;b', 10],
        ['a;(idle)', 30],
      ]),
    ]);
    expect(rows(profile)).toEqual({ b: [10, 10], a: [0, 10] });
  });

  test('threads together, by file, package and category', () => {
    const profile = profileOf([
      threadOf([['a;b', 10]]),
      threadOf(
        [
          ['a', 2],
          ['(garbage collector)', 3],
        ],
        'worker 2',
      ),
    ]);
    expect(rows(profile)).toEqual({ b: [10, 10], a: [2, 12], '(garbage collector)': [3, 3] });
    expect(rows(profile, 'file')).toEqual({ '/srv/app/b.ts': [10, 10], '/srv/app/a.ts': [2, 12], '(gc)': [3, 3] });
    expect(rows(profile, 'category')).toEqual({ application: [12, 12], gc: [3, 3] });
    expect(rows(profile, 'package')).toEqual({ '(application)': [12, 12], '(gc)': [3, 3] });
  });
});

describe('a part of a profile', () => {
  const profile = profileOf([
    threadOf([
      ['a;b', 2000],
      ['a;c', 2000],
      ['d', 2000],
    ]),
    threadOf([['e', 6000]], 'worker 2'),
  ]);
  const stacks = (part: Profile | null) => part!.threads.map(stacksOf);

  test('by time: a sample on the edge counts with its part', () => {
    expect(stacks(cutProfile(profile, { fromMs: 1, toMs: 5 }))).toEqual([
      { 'a;b': 1000, 'a;c': 2000, d: 1000 },
      { e: 4000 },
    ]);
  });

  test('by thread', () => {
    expect(stacks(cutProfile(profile, { thread: 'worker' }))).toEqual([{ e: 6000 }]);
  });

  test('by function: stacks begin there', () => {
    expect(stacks(cutProfile(profile, { focus: /^[cd]$/ }))).toEqual([{ c: 2000, d: 2000 }, {}]);
    expect([...cutProfile(profile, { focus: /^c$/ })!.threads[0]!.samples!.weight]).toEqual([2000]);
  });

  test('by category', () => {
    const gc = profileOf([
      threadOf([
        ['a', 5],
        ['(garbage collector)', 7],
      ]),
    ]);
    expect(stacks(cutProfile(gc, { categories: ['gc'] }))).toEqual([{ '(garbage collector)': 7 }]);
  });

  test('without times there is no time range', () => {
    const timeless = profileOf([{ ...threadOf([['a', 1]]), samples: null }]);
    expect(cutProfile(timeless, { fromMs: 1 })).toBeNull();
  });
});

describe('two profiles', () => {
  const before = profileOf([
    threadOf([
      ['a', 50],
      ['b', 50],
    ]),
  ]);
  const after = profileOf([
    threadOf([
      ['a', 100],
      ['c', 100],
      ['(idle)', 800],
    ]),
  ]);
  const changes = (normalised?: boolean) =>
    diffOf(before, after, 'function', normalised).rows.map((row) => [
      row.name,
      row.selfChange,
      row.before === null,
      row.after === null,
    ]);

  test('one that lasted twice as long is not twice as slow', () => {
    expect(changes()).toEqual([
      ['b', -0.5, false, true],
      ['c', 0.5, true, false],
      ['a', 0, false, false],
    ]);
  });

  test('the weights themselves', () => {
    expect(changes(false)).toEqual([
      ['c', 100, true, false],
      ['a', 50, false, false],
      ['b', -50, false, true],
    ]);
  });

  test('bytes are compared as they are', () => {
    const bytes = (profile: Profile): Profile => ({ ...profile, unit: 'bytes' });
    expect(diffOf(bytes(before), bytes(after), 'function').normalised).toBe(false);
  });
});

test('of few samples it says by how much chance alone moves a share', () => {
  const often = (count: number) =>
    profileOf([threadOf(Array.from({ length: count }, (_, i): [string, number] => [i % 3 ? 'a' : 'b', 1000]))]);
  const caution = (before: number, after: number) => diffOf(often(before), often(after), 'function').caution;
  expect(caution(34, 900)).toBe(
    '34 samples before, 900 after: by chance alone, a share differs by up to 17 % of the whole.',
  );
  expect(caution(900, 34)).toContain('900 samples before, 34 after');
  expect(caution(900, 900)).toBeNull();
  // Those that are idle tell nothing.
  const idle = profileOf([threadOf([...Array(900).fill(['(idle)', 1000]), ['a', 1000]])]);
  expect(diffOf(idle, often(900), 'function').samples).toEqual({ before: 1, after: 900 });
});
