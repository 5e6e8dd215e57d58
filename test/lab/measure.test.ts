import { describe, expect, test } from 'vitest';
import { type Case, measure, quantile } from '../../src/lab/measure.ts';

/** Takes a while, so that few repetitions fill a batch. */
function busy(count: number): number {
  let sum = 0;
  for (let i = 0; i < count * 1000; i++) sum += Math.sqrt(i) > -1 ? 1 : 0;
  return sum / 1000;
}

function caseOf(id: string, more: Partial<Case> = {}): Case {
  return { id, title: `title of ${id}`, repeat: busy, ...more };
}

const quiet = () => {};

describe('quantile', () => {
  test.each([
    [0, 1],
    [0.1, 1.4],
    [0.5, 3],
    [1, 5],
  ])('%d of 1 to 5 is %d', (share, value) => {
    expect(quantile([1, 2, 3, 4, 5], share)).toBeCloseTo(value);
  });

  test('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('measure', () => {
  test('rows keep the order of the cases, and tell rounds, repetitions and the spread', async () => {
    const { rows, gaps } = await measure([caseOf('b'), caseOf('a', { maxCount: 1 })], quiet);
    expect(rows.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(gaps).toEqual([]);
    for (const { figures } of rows) {
      const { medianNs, p10Ns, p90Ns, roundCount } = figures;
      expect([p10Ns, medianNs, p90Ns]).toEqual([p10Ns, medianNs, p90Ns].toSorted((x, y) => x! - y!));
      expect(roundCount).toBeGreaterThanOrEqual(9);
    }
    expect(rows[0]?.figures.repetitionCount).toBeGreaterThan(1);
    expect(rows[1]?.figures.repetitionCount).toBe(1);
  });

  test('ten times the work takes about ten times the time, in any number of repetitions', async () => {
    const ten = caseOf('ten', { repeat: (count) => busy(count * 10) / 10 });
    const { rows } = await measure([caseOf('one'), ten], quiet);
    const ratio = (rows[1]?.figures.medianNs ?? 0) / (rows[0]?.figures.medianNs ?? 0);
    expect(ratio).toBeGreaterThan(3);
    expect(ratio).toBeLessThan(30);
  });

  test('every round goes through all cases, there and back', async () => {
    const order: string[] = [];
    const noting = (id: string) => caseOf(id, { afterBatch: async () => void order.push(id) });
    await measure([noting('a'), noting('b'), noting('c')], quiet);
    // Behind the warm-up, of which nobody knows the length.
    expect(order.slice(-12).join('')).toMatch(/^(abccba){2}$|^(cbaabc){2}$/);
  });

  test('a case that fails, or does less than it should, is a gap, and is closed like the others', async () => {
    const closed: string[] = [];
    const closing = (id: string, more: Partial<Case> = {}) =>
      caseOf(id, { ...more, after: async () => void closed.push(id) });
    const { rows, gaps } = await measure(
      [
        closing('no-start', { before: () => Promise.reject(new Error('it may not')) }),
        closing('lazy', { repeat: (count) => count - 1 }),
        closing('good'),
      ],
      quiet,
    );
    expect(rows.map(({ id }) => id)).toEqual(['good']);
    expect(gaps).toEqual([
      { id: 'no-start', title: 'title of no-start', why: 'it may not' },
      { id: 'lazy', title: 'title of lazy', why: '0 of 1 were done' },
    ]);
    expect(closed).toEqual(['no-start', 'lazy', 'good']);
  });

  test('progress rises from 0 and stays below 1', async () => {
    const shares: number[] = [];
    await measure([caseOf('a')], (share) => shares.push(share));
    expect(shares[0]).toBe(0);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThan(1);
    expect(shares.at(-1)).toBeGreaterThan(0.5);
  });
});
