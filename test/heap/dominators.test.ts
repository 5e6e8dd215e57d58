import { expect, test } from 'vitest';
import { dominators, UNREACHED } from '../../src/heap/dominators.ts';
import { NO_EDGE, pathTree } from '../../src/heap/path-tree.ts';
import type { HeapSnapshot } from '../../src/heap/snapshot.ts';
import { createRandom, type Made, snapshotOf } from './graphs.ts';

/** What can be reached from the root without passing a node. */
function reached(snapshot: HeapSnapshot, without: number): Set<number> {
  const seen = new Set(without === 0 ? [] : [0]);
  for (const node of seen) {
    for (let edge = snapshot.firstEdge(node); edge < snapshot.firstEdge(node + 1); edge++) {
      const target = snapshot.edgeTarget(edge);
      if (target !== without && snapshot.edgeType(edge) !== 'weak') seen.add(target);
    }
  }
  return seen;
}

/** By the definition: what goes when the node goes. */
function retainedOf(snapshot: HeapSnapshot, node: number): Set<number> {
  const without = reached(snapshot, node);
  return new Set([...reached(snapshot, -1)].filter((each) => !without.has(each)));
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'random graphs: what is retained is what goes without the node (%d)',
  async (seed) => {
    const random = createRandom(seed);
    const count = 5 + random(120);
    const made: Made[] = Array.from({ length: count }, () => ({
      size: 1 + random(50),
      edges: Array.from(
        { length: random(4) },
        () => [random(count), 'x', random(8) === 0 ? 'weak' : 'property'] as const,
      ),
    }));
    const snapshot = await snapshotOf(made);
    const { dominator, retained } = dominators(snapshot);
    const all = reached(snapshot, -1);
    for (let node = 0; node < count; node++) {
      if (!all.has(node)) {
        expect(dominator[node]).toBe(UNREACHED);
        continue;
      }
      const goes = retainedOf(snapshot, node);
      expect(retained[node], `node ${node}`).toBe([...goes].reduce((sum, each) => sum + made[each]!.size!, 0));
      if (node > 0) expect(retainedOf(snapshot, dominator[node]!)).toContain(node);
    }
  },
);

test('a long list whose nodes all point back to its head', async () => {
  const length = 200_000;
  const next = (i: number): [number][] => (i < length ? [[i + 1]] : []);
  const list = Array.from({ length }, (_, i): Made => ({ size: 1, edges: [...next(i + 1), [1]] }));
  const { retained, dominator } = dominators(await snapshotOf([{ edges: [[1]] }, ...list]));
  expect([retained[1], retained[length]]).toEqual([length, 1]);
  expect(dominator[length]).toBe(length - 1);
});

test('a value of a WeakMap hangs on its key alone', async () => {
  // Root → table → value, root → key → value; the ids are 2 i + 1.
  const pair = '1 / part of key (Object @5) -> value (Object @7) pair in WeakMap (table @3)';
  const snapshot = await snapshotOf([
    { edges: [[1], [2]] },
    { type: 'array', edges: [[3, pair, 'internal']] },
    { name: 'key', edges: [[3, pair, 'internal']] },
    { name: 'value', size: 100 },
  ]);
  const { dominator, retained } = dominators(snapshot);
  expect(dominator[3]).toBe(2);
  expect([retained[1], retained[2]]).toEqual([8, 108]);
});

test('a shortcut counts only at the root', async () => {
  const snapshot = await snapshotOf([{ edges: [[1, 1, 'shortcut']] }, { edges: [[2, 1, 'shortcut']] }, {}]);
  expect([...dominators(snapshot).dominator]).toEqual([0, 0, UNREACHED]);
});

test('a path goes along what the program holds, even where V8 has a shorter way', async () => {
  const snapshot = await snapshotOf([
    { edges: [[1, 1, 'element'], [2]] },
    { type: 'code', name: 'optimized code', edges: [[4]] },
    { edges: [[3]] },
    { edges: [[4]] },
    { name: 'thing', edges: [[5, '__proto__']] },
    { name: 'prototype' },
  ]);
  const { parent, parentEdge, order } = pathTree(snapshot);
  expect([parent[4], parent[5], parentEdge[0]]).toEqual([3, 4, NO_EDGE]);
  expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('an empty snapshot and a lonely root', async () => {
  expect([...dominators(await snapshotOf([{ size: 3 }])).retained]).toEqual([3]);
  expect(dominators(await snapshotOf([])).retained).toHaveLength(0);
});
