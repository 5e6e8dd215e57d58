import { expect, test } from 'vitest';
import { growingExternalMemory } from '../../src/detectors/rules/growing-external-memory.ts';
import { collections, find, outcome, seconds, severities } from '../support/recording.ts';

const heap = [20, 20, 20, 20, 20, 20];
const grown = (externalMb: number[], fields = {}) => collections(heap, { externalMb, ...fields });

test('how much it grew, while the heap did not', () => {
  expect(find(growingExternalMemory, grown([10, 50, 90, 130, 170, 210]))).toMatchObject([
    {
      rule: 'growing-external-memory',
      severity: 'warning',
      kind: 'external',
      message: 'Memory outside the heap grew from 9.5 MiB to 200 MiB within 5 s; 97.7 KiB are Buffers.',
      location: null,
      evidence: { fromBytes: 10e6, toBytes: 210e6, collections: 6 },
    },
  ]);
});

test.each([
  ['96 MB', ['warning'], grown([20, 39.2, 58.4, 77.6, 96.8, 116])],
  ['less', [], grown([20, 39, 58, 77, 96, 115])],
  ['nothing waits', ['info'], grown([10, 50, 90, 130, 170, 210], { waiting: 0, timers: 0 })],
  ['a ring of Buffers', [], grown([120, 118, 122, 121, 119, 120])],
  ['filled up', [], grown([20, 120, 180, 180, 180, 180])],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(growingExternalMemory, [...rows])).toEqual(expected);
});

test('no rows: no data', () => {
  expect(outcome(growingExternalMemory, seconds(4, { without: ['gc', 'memory'] }))).toBe('no-data');
});
