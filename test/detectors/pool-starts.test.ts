import { expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { unboundedConcurrency } from '../../src/detectors/rules/unbounded-concurrency.ts';
import type { Frame, RowOf, StallStack } from '../../src/recording/types.ts';
import { find, frame, recordingOf, seconds, severities, stall, tracked } from '../support/recording.ts';

const own = frame('packBatch', 10);
const { category: _, ...location } = own;
const node = (name: string, file: string): Frame => frame(name, 5, { file, category: 'node' });
const stackOf = (above: Frame[], weightMs: number, count = 2): StallStack => ({
  ...{ weightMs, count, kind: 'js-cpu', location },
  frames: [...above, own],
});
const ZLIB = [node('ZlibBase', 'node:zlib'), node('Deflate', 'node:zlib'), node('asyncBufferWrapper', 'node:zlib')];
const starts = (above: Frame[] = ZLIB, fields: Partial<RowOf<'stall'>> = {}) =>
  stall({
    ...{ kind: 'js-cpu', durationMs: 400, cpuMs: 400, runQueueMs: 0, location, waiting: 2 },
    stacks: [stackOf(above, 200), stackOf(above, 100), stackOf([], 100)],
    ...fields,
  });

test('jobs whose start alone blocks the loop are very many, without a count', () => {
  expect(find(unboundedConcurrency, [starts()])).toMatchObject([
    {
      severity: 'warning',
      kind: 'burst',
      message:
        'packBatch started so many jobs of compression at once that starting them alone blocked the event loop for 400 ms.',
      location: { line: 10 },
      evidence: { maxMs: 400, type: 'compression' },
    },
  ]);
});

test.each([
  ['key derivations', ['warning'], [starts([node('pbkdf2', 'node:internal/crypto/pbkdf2')])]],
  ['the synchronous form', [], [starts([node('zlibBufferSync', 'node:zlib'), node('gzipSync', 'node:zlib')])]],
  ['the synchronous derivation', [], [starts([node('pbkdf2Sync', 'node:internal/crypto/pbkdf2')])]],
  ['a chunk that comes back', [], [starts([node('processCallback', 'node:zlib')])]],
  ['computation beside it', [], [starts(ZLIB, { stacks: [stackOf(ZLIB, 100), stackOf([], 300)] })]],
  ['two stacks', [], [starts(ZLIB, { stacks: [stackOf(ZLIB, 300, 2)] })]],
  ['a moment of one call', ['warning'], [starts(ZLIB, { durationMs: 200, cpuMs: 200, chain: null })]],
  ['a moment of many calls', [], [starts(ZLIB, { durationMs: 200, cpuMs: 200, chain: 'callbacks' })]],
  ['three moments', ['warning'], [1, 2, 3].map((id) => starts(ZLIB, { id, durationMs: 200, cpuMs: 200 }))],
  ['a host without a core', [], [starts(ZLIB, { durationMs: 900, cpuMs: 20, runQueueMs: 880 })]],
  ['start-up', [], [starts(ZLIB, { startup: true })]],
  ['a script for which nothing waits', [], [starts(ZLIB, { waiting: 0 })]],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(unboundedConcurrency, [...rows])).toEqual(expected);
});

test('what was counted is told with its count, once', () => {
  const counted = tracked(4, () => ({
    ...{ what: 'handle', type: 'ZLIB', via: [], location, alive: 0, peak: 6000, created: 6000, ended: 6000 },
  }));
  expect(find(unboundedConcurrency, [...counted, starts()]).map(({ count }) => count)).toEqual([6000]);
});

test('stalls without such starts say nothing about what else is in flight', () => {
  const outcomeOf = (row: RowOf<'stall'>) =>
    judge(recordingOf([...seconds(3), row]), [unboundedConcurrency]).rules[0]!.outcome;
  expect(outcomeOf(starts())).toBe('found');
  expect(outcomeOf(starts([]))).toBe('no-data');
});

test('it is the cause of the blocked loop', () => {
  const { findings } = judge(recordingOf([...seconds(3), starts()]));
  expect(findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule)).toEqual([
    'unbounded-concurrency',
  ]);
});
