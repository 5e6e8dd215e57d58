import { expect, test } from 'vitest';
import { pathTree } from '../../src/heap/path-tree.ts';
import { findGrowth } from '../../src/leaks/growth.ts';
import { indexSnapshot } from '../../src/leaks/subtree.ts';
import { type Made, snapshotOf } from '../heap/graphs.ts';

/** Three snapshots in which objects of these classes come below V8's handles, in this order. */
async function grown(first: readonly string[], second: readonly string[]) {
  const all = ['Server', ...first, ...second];
  const stages = [1, 1 + first.length, all.length].map((count): Made[] => [
    { type: 'synthetic', name: '', edges: [[1, 1, 'element']] },
    { type: 'synthetic', name: '(Global handles)', edges: all.slice(0, count).map((_, i) => [i + 2, i, 'element']) },
    ...all.slice(0, count).map((name) => ({ name, size: name === 'HTTPParser' ? 300 : 40 })),
  ]);
  const [before, between, after] = await Promise.all(stages.map(snapshotOf));
  const older = [before!, between!].map((snapshot) => indexSnapshot(snapshot, pathTree(snapshot)));
  return findGrowth(after!, pathTree(after!), older).groups.map(({ className, classCounts }) => [
    className,
    classCounts,
  ]);
}

const of = (name: string, count: number): string[] => new Array<string>(count).fill(name);

test('handles of one class that come each time are growth', async () => {
  expect(await grown(of('HTTPParser', 30), of('HTTPParser', 25))).toEqual([['HTTPParser', [30, 25]]]);
});

test('handles of new connections at first, and of something else then, are none', async () => {
  expect(await grown(of('HTTPParser', 34), [...of('HTTPParser', 1), ...of('Timeout', 30)])).toEqual([]);
});
