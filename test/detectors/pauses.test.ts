import { describe, expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import { leakedHandles } from '../../src/detectors/rules/leaked-handles.ts';
import { stuckAsync } from '../../src/detectors/rules/stuck-async.ts';
import { unboundedConcurrency } from '../../src/detectors/rules/unbounded-concurrency.ts';
import type { Row, UnfinishedRow } from '../../src/recording/types.ts';
import { find, severities, tracked } from '../support/recording.ts';

/** The same rows, of a thread that was followed for a part of the time; the first ones before the first pause. */
function paused<R extends Row>(rows: readonly R[], seenShare: number, whole = 0): R[] {
  return rows.map((row, i) => ({ ...row, seenShare, pauses: i < whole ? 0 : i + 1 }));
}

describe('where a part of what was started was seen', () => {
  test('counts are of that, and the message says so, with what it is in all', () => {
    const leak = tracked(4, (n) => ({ alive: 30 * n }));
    expect(find(growingPendingAsync, paused(leak, 0.12))[0]).toMatchObject({
      count: 120,
      message: expect.stringMatching(
        /^120 calls .* Only 12 % of what was started was seen: in all it is about 1 000\.$/,
      ),
    });
    expect(find(growingPendingAsync, paused(leak, 0.98))[0]!.message).not.toContain('seen');
  });

  test('what is high within a window and gone after a pause is no burst that ebbs', () => {
    const high = tracked(4, () => ({
      ...{ what: 'handle', type: 'TCPWRAP', via: ['http', 'net'] },
      ...{ alive: 0, peak: 900, created: 900, ended: 900 },
    }));
    expect(severities(unboundedConcurrency, high)).toEqual(['warning']);
    expect(severities(unboundedConcurrency, paused(high, 0.1))).toEqual([]);
    expect(severities(unboundedConcurrency, paused(high, 0.9, 2))).toEqual(['warning']);
  });
});

describe('a few that stand for many are chance', () => {
  const few = <R extends UnfinishedRow>(rows: readonly R[], followed: number): R[] =>
    rows.map((row) => ({ ...row, entries: row.entries.map((entry) => ({ ...entry, followed })) }));

  test('no growth rests on them', () => {
    const timers = tracked(4, (n) => ({
      what: 'handle',
      type: 'Timeout',
      detail: 'interval',
      alive: 30 * n,
      referenced: 30 * n,
    }));
    expect(severities(leakedHandles, few(timers, 30))).toEqual(['warning']);
    expect(severities(leakedHandles, few(timers, 3))).toEqual([]);
  });

  test('nor that three are stuck', () => {
    const stuck = tracked(4, () => ({
      ...{ alive: 6, created: 206, ended: 200, endedSinceOldest: 200 },
      ...{ endedMaxMs: 100, usualMs: 64, oldestMs: 9000 },
    }));
    expect(severities(stuckAsync, few(stuck, 3))).toEqual(['warning']);
    expect(severities(stuckAsync, few(stuck, 1))).toEqual([]);
  });
});
