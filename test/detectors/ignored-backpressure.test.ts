import { describe, expect, test } from 'vitest';
import { ignoredBackpressure } from '../../src/detectors/rules/ignored-backpressure.ts';
import type { Row, StreamUse } from '../../src/recording/types.ts';
import { find, location, outcome, transfers } from '../support/recording.ts';

const full = (megabytes: number, fields: Partial<StreamUse> = {}): StreamUse => ({
  location,
  callers: [],
  stream: 'Socket',
  streams: 1,
  ignored: 900,
  bufferedBytes: megabytes * 1e6,
  peakBytes: megabytes * 1e6,
  largestBytes: megabytes * 1e6,
  ...fields,
});
const rows = (uses: readonly (StreamUse | null)[]): Row[] =>
  uses.flatMap((use, i) => (use ? [transfers(2000 + i * 1000, { streams: [use] })] : []));

test('buffers that grow are one finding, with what waits and the line that writes', () => {
  const [finding, ...others] = find(ignoredBackpressure, rows([full(3), full(6), full(9)]));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'growing',
    severity: 'warning',
    message:
      "2 700 writes of handler to a Socket that was full did not wait for 'drain' in 3 s: 8.6 MiB waited in memory.",
    location: { line: 12 },
    evidence: { stream: 'Socket', streams: 1, ignoredWrites: 2700, buffered: 9e6, peak: 9e6, objects: false },
  });
});

test('what is written at once is found though it is gone at the end of the second', () => {
  const use = full(0, { peakBytes: 64e6, ignored: 100 });
  expect(find(ignoredBackpressure, rows([use])).map(({ kind }) => kind)).toEqual(['burst']);
});

test('objects count by their number', () => {
  const objects = (count: number) => full(count / 1e6, { objects: true });
  const [finding] = find(ignoredBackpressure, rows([objects(20_000), objects(30_000), objects(40_000)]));
  expect(finding?.message).toContain('40 000 objects waited in memory');
});

describe('it is silent', () => {
  const small = (bytes: number, streams: number) => full(bytes / 1e6, { largestBytes: bytes / streams, streams });
  const cases: [string, Row[]][] = [
    ['where it lasts for two readings', rows([full(6), full(9)])],
    ['where little waits', rows([full(2), full(4), full(7.9)])],
    ['where the reader catches up in between', rows([full(9), full(12), full(6), full(12), full(6), full(12)])],
    ['where it was empty in between', rows([full(9), null, null, full(12), null, null, full(15)])],
    ['where it stands still', rows([full(9), full(9), full(9), full(9)])],
    ['where many clients have a little each', rows([small(5e6, 500), small(9e6, 500), small(20e6, 500)])],
    ['where it was one large write', rows([full(0, { peakBytes: 90e6, ignored: 3 })])],
    ['where few large writes do not wait', rows([1, 5, 9].map((megabytes) => full(megabytes, { ignored: 10 })))],
    ['where the line is not known', rows([3, 6, 9].map((megabytes) => full(megabytes, { location: null })))],
  ];
  test.each(cases)('%s', (_name, recording) => {
    expect(find(ignoredBackpressure, recording)).toEqual([]);
  });
});

test('without rows of transfers there is no data', () => {
  expect(outcome(ignoredBackpressure, [])).toBe('no-data');
  expect(outcome(ignoredBackpressure, [transfers(2000)])).toBe('clear');
});
