import { expect, test } from 'vitest';
import { earlyGrowthOf } from '../../src/detectors/early-growth.ts';
import { growingHeap } from '../../src/detectors/rules/growing-heap.ts';
import type { Row } from '../../src/recording/types.ts';
import { find, gc, memory, second, severities } from '../support/recording.ts';

const MB = 1e6;

interface Seconds {
  /** In MB, from second 2 on: old, and with what is young. */
  old: number[];
  young?: number[];
  /** What a major collection left, by second. */
  majors?: Record<number, number>;
  waiting?: number;
}

function rowsOf({ old, young = [], majors = {}, waiting = 3 }: Seconds): Row[] {
  return old.flatMap((mb, i) => {
    const t = 2000 + 1000 * i;
    const left = majors[t / 1000];
    const used = (mb + (young[i] ?? 0)) * MB;
    return [
      ...second(t, { waiting, timers: Math.min(waiting, 2), without: ['gc', 'memory'] }),
      memory({ t, heapUsedBytes: used, spaces: { old_space: mb * MB, new_space: (young[i] ?? 0) * MB } }),
      gc({ t, ...(left !== undefined && { majorCount: 1, afterMajor: { oldBytes: left * MB, externalBytes: MB } }) }),
    ];
  });
}

/** A map that gets 7 MB a second, as it was read: old space in steps, one major collection. */
const MAP: Seconds = {
  old: [10.5, 16.7, 19.3, 19.2, 31.4, 36.7, 37.9, 39.3, 51.9],
  young: [3.2, 2.2, 5, 10.2, 1.4, 5.3, 9.4, 13.2, 3.4],
  majors: { 4: 17.3 },
};

test('what multiplies within ten seconds is told, with one collection that freed next to nothing', () => {
  expect(find(growingHeap, rowsOf(MAP))).toMatchObject([
    {
      severity: 'warning',
      kind: 'old-space',
      message: 'Memory that survives collections grew from 13.1 MiB to 52.7 MiB within 8 s.',
      evidence: { collections: 1, observedMs: 8000 },
    },
  ]);
});

const rising = (from: number, step: number, count: number) => Array.from({ length: count }, (_, i) => from + step * i);

test.each<[string, ('warning' | 'info')[], Seconds]>([
  ['much young garbage beside it', ['warning'], { ...MAP, young: [9, 2, 8, 3, 9, 1, 8, 2, 9] }],
  ['a collection in the last second', ['warning'], { old: rising(12, 6, 9), majors: { 10: 60 } }],
  ['a large heap, and two collections', ['warning'], { old: rising(60, 8, 9), majors: { 5: 84, 6: 92 } }],
  ['a large heap, and one', [], { old: rising(60, 8, 9), majors: { 5: 84 } }],
  ['a batch in which nothing waits', ['info'], { ...MAP, waiting: 0 }],
  ['no collection: it may all be garbage', [], { ...MAP, majors: {} }],
  ['a sawtooth: the collection freed most', [], { ...MAP, majors: { 4: 9 } }],
  ['a sawtooth that has just risen', [], { old: [10, 30, 50, 8, 14, 20, 26, 32, 38, 44], majors: { 5: 8 } }],
  ['a cache that has filled up', [], { old: [...rising(10, 8, 6), 50, 50, 50, 50.5], majors: { 4: 26 } }],
  ['the start of a large application', [], { old: [10, 30, 55, 70, 72, 73, 73, 73, 73.5], majors: { 4: 54 } }],
  ['a batch that has ended', [], { old: [...rising(10, 8, 8), 20, 20, 20], majors: { 4: 26, 10: 19 } }],
  ['less than 20 MB', [], { old: rising(5, 2, 9), majors: { 4: 8.9 } }],
  ['five readings', [], { old: rising(10, 12, 5), majors: { 4: 33 } }],
])('%s: %j', (_what, expected, seconds) => {
  expect(severities(growingHeap, rowsOf(seconds))).toEqual(expected);
});

test('with the load: as many connections more', () => {
  const rows = rowsOf(MAP).map((row): Row => {
    const total = Math.round(row.t / 100);
    return row.type === 'active-resources' ? { ...row, total, counts: { TCPSocketWrap: total } } : row;
  });
  expect(severities(growingHeap, rows)).toEqual([]);
});

test('memory outside of the heap alike', () => {
  const row = (i: number) => memory({ t: 2000 + 1000 * i, externalBytes: (10 + 8 * i) * MB });
  const major = gc({ t: 5000, majorCount: 1, afterMajor: { oldBytes: 5 * MB, externalBytes: 33 * MB } });
  const rows = Array.from({ length: 9 }, (_, i) => row(i));
  expect(earlyGrowthOf(rows, [major], 'externalBytes')).toMatchObject({ fromBytes: 10e6, toBytes: 74e6 });
  expect(earlyGrowthOf(rows, [], 'externalBytes')).toBeNull();
});
