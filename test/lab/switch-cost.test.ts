import { beforeAll, describe, expect, test, vi } from 'vitest';
import { switchCost } from '../../src/lab/switch-cost.ts';
import type { LabResult } from '../../src/lab/types.ts';

/** Handles of workers, of child processes, and of the channels to them. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort|Process|Pipe/.test(name));
}

describe('switch-cost', () => {
  let result: LabResult;
  let heldBefore: string[];

  beforeAll(async () => {
    heldBefore = held();
    result = await switchCost.run(() => {});
  });

  function median(id: string): number {
    const row = result.rows.find((candidate) => candidate.id === id);
    expect(row, `a row '${id}'`).toBeDefined();
    return row!.figures.medianNs!;
  }

  test('all of it could be measured', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id }) => id)).toEqual([
      'function-call',
      'await-value',
      'await-async-call',
      'next-tick',
      'queue-microtask',
      'set-immediate',
      'set-timeout-0',
      'worker-round-trip',
      'child-round-trip',
      'worker-start',
      'child-start',
    ]);
  });

  // Each step is at least five times wider than what is asked for here.
  test.each([
    ['function-call', 2, 'await-value'],
    ['function-call', 2, 'await-async-call'],
    ['function-call', 2, 'next-tick'],
    ['function-call', 2, 'queue-microtask'],
    ['await-value', 2, 'set-immediate'],
    ['await-value', 20, 'worker-round-trip'],
    ['await-value', 20, 'child-round-trip'],
    ['set-immediate', 20, 'set-timeout-0'],
    ['worker-round-trip', 10, 'worker-start'],
    ['child-round-trip', 10, 'child-start'],
    ['worker-round-trip', 10, 'child-start'],
  ])('%s, %d times, is less than %s', (less, times, more) => {
    expect(median(less) * times).toBeLessThan(median(more));
  });

  test('says what follows from it', () => {
    expect(result.conclusions).toEqual([
      expect.stringMatching(/^100 000 awaits of available values cost about \S+ m?s of CPU here\.$/),
      expect.stringContaining('setImmediate'),
      expect.stringContaining('A worker takes'),
    ]);
  });

  test('leaves neither a worker nor a child', async () => {
    await vi.waitFor(() => expect(held()).toEqual(heldBefore), { timeout: 60_000 });
  });
});
