import { describe, expect, test } from 'vitest';
import { cpuprofile } from '../../src/exporters/cpuprofile.ts';
import { type Cut, cutProfile } from '../../src/profile/cut.ts';
import { readCpuProfile } from '../../src/profile/read-cpuprofile.ts';
import type { ThreadProfile } from '../../src/profile/types.ts';
import { profileOf, stacksOf, threadOf } from '../support/profile.ts';

const thread: ThreadProfile = {
  ...threadOf([
    ['a;b', 2000],
    ['a;c;d', 2000],
    ['(idle)', 4000],
    ['a;c;b', 2000],
    ['(garbage collector)', 1000],
  ]),
  origin: { startUs: 5_000_000, pid: 7, threadId: 0 },
};
const cut = (what: Cut): ThreadProfile => cutProfile(profileOf([thread]), what)!.threads[0]!;
/** As it is after it was written to a .cpuprofile and read again. */
const again = (of: ThreadProfile): ThreadProfile =>
  readCpuProfile(JSON.parse(cpuprofile.write(profileOf([of])) as string));

describe('a part of a profile', () => {
  const table: [string, Cut, Record<string, number>][] = [
    [
      'two times',
      {
        ranges: [
          { fromMs: 1, toMs: 3 },
          { fromMs: 9, toMs: 99 },
        ],
      },
      { 'a;b': 1000, 'a;c;d': 1000, 'a;c;b': 1000, '(garbage collector)': 1000 },
    ],
    [
      'a time of two',
      {
        fromMs: 9.5,
        ranges: [
          { fromMs: 1, toMs: 3 },
          { fromMs: 9, toMs: 99 },
        ],
      },
      { 'a;c;b': 500, '(garbage collector)': 1000 },
    ],
    ['no time', { ranges: [] }, {}],
    ['several categories', { categories: ['gc', 'idle'] }, { '(idle)': 4000, '(garbage collector)': 1000 }],
    ['without a function', { ignore: /^c$/ }, { 'a;b': 2000, '(idle)': 4000, '(garbage collector)': 1000 }],
    [
      'a function that counts for its caller',
      { hide: /^[cb]$/, categories: ['application'] },
      { a: 4000, 'a;d': 2000 },
    ],
    ['a file', { hide: /\/c\.ts$/, focus: /^a$/ }, { 'a;b': 4000, 'a;d': 2000 }],
  ];
  test.each(table)('%s', (_name, what, stacks) => {
    const part = cut(what);
    expect(stacksOf(part)).toEqual(stacks);
    const sum = Object.values(stacks).reduce((all, weight) => all + weight, 0);
    expect(part.samples!.weight.reduce((all, weight) => all + weight, 0)).toBe(sum);
    // What was cut out is nobody's, in the file as well.
    expect(stacksOf(again(part))).toEqual(stacks);
  });

  test('times move up to what was cut out', () => {
    const { samples, taken } = cut({
      ranges: [
        { fromMs: 1, toMs: 3 },
        { fromMs: 9, toMs: 99 },
      ],
    });
    expect([...samples!.atUs]).toEqual([0, 1000, 2000, 3000]);
    expect(taken).toMatchObject({ spanUs: 4000, sampleCount: 4 });
  });

  test('where the lines of a hidden function were, its caller has none', () => {
    const lines = { node: Uint32Array.of(1, 2), line: Uint32Array.of(3, 30), weight: Float64Array.of(1, 2000) };
    const part = cutProfile(profileOf([{ ...thread, lines }]), { hide: /^b$/ })!.threads[0]!;
    expect([...part.lines!.line]).toEqual([3]);
  });
});

describe('of which thread a profile is, and when it began', () => {
  test('goes through a file', () => {
    expect(again(thread).origin).toEqual({ startUs: 5_000_000, pid: 7, threadId: 0 });
    expect(again({ ...thread, origin: null }).origin).toEqual({ startUs: null, pid: null, threadId: null });
  });

  test('a part begins later; with gaps it has no clock', () => {
    expect(cut({ fromMs: 2 }).origin).toEqual({ startUs: 5_002_000, pid: 7, threadId: 0 });
    expect(cut({ hide: /b/ }).origin?.startUs).toBe(5_000_000);
    for (const what of [{ ranges: [] }, { focus: /b/ }, { ignore: /b/ }, { categories: ['gc'] as const }])
      expect(cut(what).origin).toEqual({ startUs: null, pid: 7, threadId: 0 });
  });
});
