import { beforeAll, describe, expect, test } from 'vitest';
import { cpuPoolLab } from '../../src/lab/cpu-pool.ts';
import type { LabResult } from '../../src/lab/types.ts';
import { figureOf } from '../../src/lab/ways.ts';

describe('cpu-pool', () => {
  let result: LabResult;

  beforeAll(async () => {
    result = await cpuPoolLab({ jobs: 4, iterations: 20_000_000, rounds: 3 }).run(() => {});
  });

  const figure = (id: string, key: string) => figureOf(result.rows, id, key);

  test('all of it could be measured, and every job gave its result', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id }) => id)).toEqual([
      'main-thread',
      'promise-all',
      'pool-of-4',
      'pool-of-cores',
      'worker-per-job',
    ]);
    for (const { figures } of result.rows) expect(figures.resultCount).toBe(4);
  });

  test.each(['main-thread', 'promise-all'])('%s: the loop is blocked for as long as it takes', (id) => {
    // Each is the median of its own rounds.
    expect(figure(id, 'blockedMs')).toBeGreaterThan(figure(id, 'wallMsLow') * 0.8);
  });

  test('the work is the same everywhere', () => {
    for (const id of ['promise-all', 'pool-of-4', 'pool-of-cores', 'worker-per-job']) {
      const ratio = figure(id, 'cpuMs') / figure('main-thread', 'cpuMs');
      expect(ratio, id).toBeGreaterThan(0.2);
      expect(ratio, id).toBeLessThan(10);
    }
  });

  test('what follows has the figures of the field report beside', () => {
    expect(result.conclusions.length).toBeGreaterThanOrEqual(3);
    expect(result.conclusions[0]).toContain('2.34 s against 0.87 s');
  });
});
