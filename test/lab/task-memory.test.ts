import { beforeAll, describe, expect, test } from 'vitest';
import { taskMemoryLab } from '../../src/lab/task-memory.ts';
import type { LabResult } from '../../src/lab/types.ts';
import { figureOf } from '../../src/lab/ways.ts';

describe('task-memory', () => {
  let result: LabResult;

  beforeAll(async () => {
    result = await taskMemoryLab({ calls: 20_000, workers: 5, rounds: 3 }).run(() => {});
  });

  const bytes = (id: string) => figureOf(result.rows, id, 'bytes');

  test('all of it could be measured', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id }) => id)).toEqual(['promise', 'suspended-call', 'worker', 'process']);
  });

  test.each([
    ['promise', 2, 'suspended-call'],
    ['suspended-call', 1000, 'worker'],
    ['suspended-call', 1000, 'process'],
  ])('%s, %d times, is less than %s', (less, times, more) => {
    expect(bytes(less)).toBeGreaterThan(0);
    expect(bytes(less) * times).toBeLessThan(bytes(more));
  });

  test('a suspended call takes some hundred bytes', () => {
    expect(bytes('suspended-call')).toBeGreaterThan(100);
    expect(bytes('suspended-call')).toBeLessThan(2000);
  });

  test('says what follows from it', () => {
    expect(result.conclusions[0]).toMatch(/^10 000 suspended calls take \S+ MiB, as many threads \S+ GiB/);
  });
});
