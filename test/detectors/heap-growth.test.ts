import { describe, expect, test } from 'vitest';
import { growthOfBytes, heapGrowthOf, isRising } from '../../src/detectors/heap-growth.ts';
import { collections, recordingOf } from '../support/recording.ts';

const range = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));
const readings = (mb: readonly number[], everyMs = 1000) =>
  mb.map((bytes, i) => ({ t: 2000 + everyMs * i, bytes: bytes * 1e6 }));
/** What looks random and is the same in each run. */
const noise = (i: number) => ((i * 7919 + 13) % 97) / 97;

describe('grows', () => {
  test.each([
    ['four collections', [20, 26, 32, 38]],
    ['a slow leak', range(60, (i) => 40 + i / 2)],
    ['with scatter', range(20, (i) => 30 + 2 * i + 8 * noise(i))],
    ['with what a collection under way counted as alive', [20, 24, 60, 28, 31, 75, 39, 44]],
    ['a leak beside a cache that was full before', range(30, (i) => Math.min(60, 20 + 8 * i) + 2 * i)],
  ])('%s', (_what, mb) => {
    expect(growthOfBytes(readings(mb))).not.toBeNull();
  });

  test('faster and faster: from what was read at first, not from where a line would begin', () => {
    const told = growthOfBytes(readings(range(12, (i) => 5 + i ** 2)));
    expect(told).toMatchObject({ fromBytes: 5e6, toBytes: 126e6 });
  });

  test('the rise is told without scatter', () => {
    expect(growthOfBytes(readings(range(11, (i) => 20 + 4 * i)))).toMatchObject({
      collections: 11,
      fromBytes: 20e6,
      toBytes: 60e6,
      spanMs: 10_000,
      bytesPerSecond: 4e6,
    });
  });
});

describe('silent', () => {
  test.each([
    ['three collections', [20, 30, 40]],
    ['within two seconds', [20, 26, 32, 38], 600],
    ['little of itself', range(20, (i) => 500 + 3 * i)],
    ['few bytes', range(20, (i) => 4 + i / 6)],
    ['large and stable', range(20, (i) => 900 + 30 * noise(i))],
    ['a bounded cache that fills up', range(20, (i) => Math.min(80, 20 + 10 * i))],
    ['a cache that fills up slower and slower', range(20, (i) => 80 - 60 * 0.6 ** i)],
    ['a warm-up', [10, 25, 40, 48, 49, 50, 50, 49, 50, 50]],
    ['a sawtooth', range(40, (i) => 20 + 10 * (i % 5))],
    ['a sawtooth that ends high', range(14, (i) => 20 + 10 * (i % 5))],
    ['two long teeth', range(22, (i) => 20 + 6 * (i % 11))],
    ['falling', range(20, (i) => 80 - 2 * i)],
    ['up and down', range(20, (i) => 40 + 20 * Math.sin(i / 3))],
    ['chance', range(30, (i) => 40 + 40 * noise(i))],
  ])('%s', (_what, mb, everyMs = 1000) => {
    expect(growthOfBytes(readings(mb, everyMs))).toBeNull();
  });

  test('before 1.5 s', () => {
    expect(growthOfBytes([20, 30, 40, 50, 60].map((mb, i) => ({ t: 300 * i, bytes: mb * 1e6 })))).toBeNull();
  });
});

describe('against the load', () => {
  const growing = range(12, (i) => 20 + 4 * i);
  const withLoad = (fields: (i: number) => object) =>
    recordingOf(
      growing.flatMap((mb, i) => collections([mb], fields(i)).map((row) => ({ ...row, t: 2000 + 1000 * i }))),
    );

  test('the same load: it grows', () => {
    expect(
      heapGrowthOf(
        withLoad(() => ({})),
        'oldBytes',
      ),
    ).not.toBeNull();
  });

  test('more and more is open: it is what memory grows with', () => {
    expect(
      heapGrowthOf(
        withLoad((i) => ({ timers: 100 + 30 * i })),
        'oldBytes',
      ),
    ).toBeNull();
  });

  test('more events, as on a host that has become less busy, are no reason', () => {
    expect(
      heapGrowthOf(
        withLoad((i) => ({ events: 200 + 80 * i })),
        'oldBytes',
      ),
    ).not.toBeNull();
  });

  test('what is open varies, and does not rise', () => {
    expect(
      heapGrowthOf(
        withLoad((i) => ({ timers: 200 + 900 * noise(i) })),
        'oldBytes',
      ),
    ).not.toBeNull();
  });
});

describe('a start that loads', () => {
  /** 12 seconds that grow, until `servedFrom` nothing waits. */
  const served = (servedFrom: number) =>
    recordingOf(
      range(12, (i) => i).flatMap((i) =>
        collections([20 + 4 * i], { waiting: i < servedFrom ? 0 : 2 }).map((row) => ({ ...row, t: 2000 + 1000 * i })),
      ),
    );

  test.each([
    ['all of it is start', 11, false],
    ['it grows on after a start', 4, true],
    ['nothing waits in all the time, as in a batch', 12, true],
  ])('%s', (_what, servedFrom, grows) => {
    expect(heapGrowthOf(served(servedFrom), 'oldBytes') !== null).toBe(grows);
  });
});

test.each([
  [true, [20, 24, 28]],
  [true, [20, 60, 24, 28, 30]],
  [false, [20, 20.3, 20.4]],
  [false, [20, 30, 20, 30, 20]],
  [false, [20, 40]],
])('rising: %j, %j', (expected, mb) => {
  expect(isRising(readings(mb))).toBe(expected);
});
