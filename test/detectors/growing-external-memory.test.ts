import { expect, test } from 'vitest';
import { growingExternalMemory } from '../../src/detectors/growing-external-memory.ts';
import { collections, find, outcome, seconds, severities } from '../support/recording.ts';

const heap = [20, 20, 20, 20, 20, 20];
const grown = (externalMb: number[], fields = {}) => collections(heap, { externalMb, ...fields });

test('how much it grew, while the heap did not', () => {
  expect(find(growingExternalMemory, grown([10, 20, 30, 40, 50, 60]))).toMatchObject([
    {
      rule: 'growing-external-memory',
      severity: 'warning',
      kind: 'external',
      message: 'Memory outside the heap grew from 9.5 MiB to 57.2 MiB within 5 s; 97.7 KiB are Buffers.',
      location: null,
      evidence: { fromBytes: 10e6, toBytes: 60e6, collections: 6 },
    },
  ]);
});

test.each([
  ['16 MB', ['warning'], grown([10, 13.2, 16.4, 19.6, 22.8, 26])],
  ['less', [], grown([10, 13, 16, 19, 22, 25])],
  ['nothing waits', ['info'], grown([10, 20, 30, 40, 50, 60], { waiting: 0 })],
  ['a ring of Buffers', [], grown([120, 118, 122, 121, 119, 120])],
  ['filled up', [], grown([10, 40, 60, 60, 60, 60])],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(growingExternalMemory, [...rows])).toEqual(expected);
});

test('no rows: no data', () => {
  expect(outcome(growingExternalMemory, seconds(4, { without: ['gc', 'memory'] }))).toBe('no-data');
});
