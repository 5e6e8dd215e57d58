import { expect, test } from 'vitest';
import { memoryChurn } from '../../src/detectors/rules/memory-churn.ts';
import type { Frame } from '../../src/recording/types.ts';
import { deepSample, find, frame, location, outcome, sampled, seconds, severities } from '../support/recording.ts';

const inBuffer = (name: string): Frame => ({ ...frame(name), file: 'node:buffer', category: 'node' });
const concat = [inBuffer('_copyActual'), inBuffer('concat'), frame('onData', 7), frame('serve', 30)];
const copying = (count: number, frames = concat, fields = {}) => [
  ...seconds(3),
  deepSample({ stacks: [sampled(count, frames), sampled(100 - count, [frame('other', 50)])], ...fields }),
];
const allocating = (bytes: number, top: number) => [
  ...seconds(3),
  deepSample({
    allocations: [
      { bytes: top, location },
      { bytes: bytes - top, location: { ...location, function: 'other', line: 40 } },
    ],
  }),
];

test('the line that copies', () => {
  expect(find(memoryChurn, copying(60))).toMatchObject([
    {
      rule: 'memory-churn',
      severity: 'warning',
      kind: 'copying',
      message: '60 % of the busy time went to copies of Buffers (Buffer.concat) made in onData.',
      location: { line: 7, function: 'onData' },
      count: 60,
      evidence: { copyingShare: 0.6, call: 'Buffer.concat' },
    },
  ]);
});

test('who allocates', () => {
  expect(find(memoryChurn, allocating(400e6, 300e6))).toMatchObject([
    {
      severity: 'info',
      kind: 'allocation',
      message: '191 MiB a second are allocated, 75 % of them in handler.',
      location,
      evidence: { perSecondBytes: 200e6, share: 0.75 },
    },
  ]);
});

test.each([
  ['30 % of the stacks', ['warning'], copying(30)],
  ['fewer', [], copying(29)],
  ['nothing waits', ['info'], copying(60, concat, { waiting: 0 })],
  ['an idle loop', [], copying(60, concat, { samples: 300 })],
  ['few stacks', [], copying(60, concat, { busySamples: 19, samples: 19 })],
  ['a Buffer that is read', [], copying(60, [inBuffer('readInt32LE'), frame('onData', 7)])],
  [
    'a copy for each element',
    ['warning'],
    copying(60, [inBuffer('from'), { ...frame('Array.map'), file: '', category: 'native' }, frame('onData', 7)]),
  ],
  [
    'what node:zlib does with Buffers, behind its native part',
    [],
    copying(60, [inBuffer('concat'), { ...inBuffer('zlibBufferSync'), file: 'node:zlib' }, frame('onData', 7)]),
  ],
  ['a view', [], copying(60, [inBuffer('subarray'), inBuffer('slice'), frame('onData', 7)])],
  ['its own copy loop', [], copying(60, [frame('concat', 7)])],
  ['150 MB a second', ['info'], allocating(300e6, 120e6)],
  ['less', [], allocating(299e6, 200e6)],
  ['everywhere', [], allocating(400e6, 159e6)],
] as const)('%s: %j', (_what, expected, rows) => {
  expect(severities(memoryChurn, [...rows])).toEqual(expected);
});

test('no deep samples: no data', () => {
  expect(outcome(memoryChurn, seconds(4))).toBe('no-data');
});
