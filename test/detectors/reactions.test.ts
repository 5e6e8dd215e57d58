import { describe, expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import { missingTimeout } from '../../src/detectors/rules/missing-timeout.ts';
import { stuckAsync } from '../../src/detectors/rules/stuck-async.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import { find, frame, location, severities, tracked } from '../support/recording.ts';

const outer = frame('answer', 20);
const thens: Partial<UnfinishedEntry> = { what: 'reaction', type: 'then', callers: [outer], created: 400 };
/** They used to be settled within 16 ms, and none is since the oldest began. */
const died = (fields: Partial<UnfinishedEntry> = {}) =>
  tracked(6, (n, t) => ({ ...thens, alive: 30 * n, ended: 100, usualMs: 16, oldestMs: t - 500, ...fields }));

describe('results of then that are not settled any more', () => {
  test('are reported at the innermost line, as awaits are', () => {
    const rows = tracked(
      6,
      (n, t) => ({ ...thens, alive: 30 * n, ended: 100, usualMs: 16, oldestMs: t - 500 }),
      (n, t) => ({ ...thens, location: outer, callers: [], alive: 30 * n, ended: 100, usualMs: 16, oldestMs: t - 500 }),
    );
    expect(find(growingPendingAsync, rows)).toMatchObject([
      { severity: 'warning', kind: 'suspended', location, count: 180 },
    ]);
  });

  test('wait for the network where a connection of that function does', () => {
    expect(severities(missingTimeout, died({ via: ['fetch'] }))).toEqual(['warning']);
    expect(severities(growingPendingAsync, died({ via: ['fetch'] }))).toEqual([]);
  });

  test('are stuck where others pass', () => {
    const rows = tracked(6, () => ({
      ...{
        ...thens,
        alive: 4,
        ended: 90,
        usualMs: 16,
        slowMs: 32,
        endedMaxMs: 30,
        endedSinceOldest: 60,
        oldestMs: 9000,
      },
    }));
    expect(severities(stuckAsync, rows)).toEqual(['warning']);
  });

  test.each([
    ['those that never were: the end of a connection', { ended: 0, usualMs: null }],
    ['those that take as long as they used to', { usualMs: 8192 }],
    ['combinators', { type: 'all' }],
    ['those of packages', { location: { ...location, file: '/srv/node_modules/queue/index.js' } }],
  ] as [string, Partial<UnfinishedEntry>][])('are not %s', (_what, fields) => {
    expect(severities(growingPendingAsync, died(fields))).toEqual([]);
  });

  test('are one with those that wait for them elsewhere, where more of a chain is written', () => {
    const rows = (chained: number, first = 30) =>
      tracked(
        6,
        (n, t) => ({ ...thens, callers: [], alive: first * n, ended: 100, usualMs: 16, oldestMs: t - 500 }),
        (n, t) => ({
          ...{ ...thens, location: frame('handle', 30), callers: [], alive: chained * n, ended: 100, usualMs: 16 },
          ...{ oldestMs: t - 500, madeBy: { what: 'reaction', type: 'then', via: [], location } },
        }),
      );
    expect(find(growingPendingAsync, rows(30))).toMatchObject([{ location }]);
    expect(find(growingPendingAsync, rows(90))).toHaveLength(2);
  });

  test('are not reported beside an await that shows them', () => {
    const rows = tracked(
      6,
      (n, t) => ({ ...thens, alive: 30 * n, ended: 100, usualMs: 16, oldestMs: t - 500 }),
      (n, t) => ({ location: outer, alive: 30 * n, created: 400, ended: 100, usualMs: 16, oldestMs: t - 500 }),
    );
    expect(find(growingPendingAsync, rows)).toMatchObject([{ location: outer }]);
  });
});
