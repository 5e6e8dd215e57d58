import { expect, test } from 'vitest';
import { mergeByName } from '../../src/profile/merge.ts';
import { TreeBuilder } from '../../src/profile/tree-builder.ts';
import type { ThreadProfile } from '../../src/profile/types.ts';

/** A thread whose stacks are words, outermost first, with their own weight. */
function thread(name: string, stacks: Record<string, number>, sampleCount: number): ThreadProfile {
  const tree = new TreeBuilder();
  for (const [stack, weight] of Object.entries(stacks)) {
    const frames = stack
      .split(' ')
      .map((word) => tree.frame({ function: word, file: '/app.js', line: 1, column: 1, category: 'application' }));
    tree.add(tree.stack(frames), weight);
  }
  const taken = { spanUs: sampleCount, sampleCount, interval: 1, missedCount: null, warmCode: true, apart: true };
  return tree.build(name, { taken });
}

function stacksOf({ frames, frame, parent, self }: ThreadProfile): Record<string, number> {
  const path = (node: number): string =>
    node === 0 ? '' : `${path(parent[node]!)} ${frames[frame[node]!]!.function}`.trim();
  return Object.fromEntries([...self].map((weight, node) => [path(node), weight]).filter(([, weight]) => weight !== 0));
}

test('threads of one name become one tree: equal stacks add up, others stay', () => {
  const [main, worker, ...more] = mergeByName([
    thread('main thread', { 'a b': 1, c: 2 }, 3),
    thread('worker 1', { w: 5 }, 5),
    thread('main thread', { 'a b': 10, 'a d': 4 }, 14),
  ]);
  expect(more).toEqual([]);
  expect([main!.name, stacksOf(main!)]).toEqual(['main thread', { 'a b': 11, c: 2, 'a d': 4 }]);
  expect(main!.taken).toMatchObject({ spanUs: 14, sampleCount: 17, missedCount: null, warmCode: true });
  expect(stacksOf(worker!)).toEqual({ w: 5 });
});

test('a single one stays what it is, with its samples and lines', () => {
  const one = thread('main thread', { a: 1 }, 1);
  expect(mergeByName([one])[0]).toBe(one);
});
