import { beforeAll, describe, expect, test } from 'vitest';
import { fanOutLab } from '../../src/lab/fan-out.ts';
import type { LabResult } from '../../src/lab/types.ts';
import { figureOf } from '../../src/lab/ways.ts';

const SIZE = { requests: 40, delayMs: 200, threads: [4, 2], fetches: 40, failures: 2 } as const;

describe('fan-out', () => {
  let result: LabResult;
  const shares: number[] = [];

  beforeAll(async () => {
    result = await fanOutLab(SIZE).run((share) => shares.push(share));
  });

  const figure = (id: string, key: string) => figureOf(result.rows, id, key);

  test('all of it could be measured', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id }) => id)).toEqual([
      'serial',
      'threads-many',
      'threads-few',
      'concurrent',
      'fetch-all',
      'fetch-settled',
    ]);
  });

  test('one after another takes longer than concurrently', () => {
    expect(figure('serial', 'wallMs')).toBeGreaterThanOrEqual(SIZE.requests * SIZE.delayMs * 0.95);
    expect(figure('threads-few', 'wallMs')).toBeGreaterThanOrEqual((SIZE.requests / 2) * SIZE.delayMs * 0.95);
    expect(figure('concurrent', 'wallMs')).toBeLessThan(figure('serial', 'wallMs'));
  });

  test('all requests are answered; of the fetches those that did not fail are kept, or none', () => {
    for (const id of ['serial', 'threads-many', 'threads-few', 'concurrent']) {
      expect(figure(id, 'resultCount'), id).toBe(SIZE.requests);
    }
    expect(figure('fetch-all', 'resultCount')).toBe(0);
    expect(figure('fetch-settled', 'resultCount')).toBe(SIZE.fetches - SIZE.failures);
  });

  test('threads take memory', () => {
    expect(figure('threads-many', 'memoryBytes')).toBeGreaterThan(figure('concurrent', 'memoryBytes'));
  });

  test('what follows has the figures of the field reports beside', () => {
    expect(result.conclusions).toEqual([
      expect.stringContaining('20 s : 2–8 s : 0.5 s'),
      expect.stringContaining('with 4 threads'),
      'If 2 of 40 fetches fail, Promise.all leaves 0 results and Promise.allSettled 38.',
    ]);
  });

  test('progress rises, also within the long way', () => {
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.length).toBeGreaterThan(SIZE.requests);
    expect(shares.at(-1)).toBeLessThan(1);
  });
});
