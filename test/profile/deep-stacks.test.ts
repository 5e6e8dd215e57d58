import { describe, expect, test } from 'vitest';
import { diffFlamegraph } from '../../src/exporters/diff-flamegraph.ts';
import { exporters } from '../../src/exporters/index.ts';
import { totalOf } from '../../src/profile/call-tree.ts';
import { cutProfile } from '../../src/profile/cut.ts';
import { diffOf } from '../../src/profile/diff.ts';
import { readProfile } from '../../src/profile/read-profile.ts';
import { GROUPINGS, tableOf } from '../../src/profile/table.ts';
import { treeText } from '../../src/profile/text.ts';
import { TreeBuilder } from '../../src/profile/tree-builder.ts';
import type { Profile } from '../../src/profile/types.ts';
import { functionItems } from '../../src/tui/state/profile/functions.ts';
import { relationsOf } from '../../src/tui/state/profile/relations.ts';
import { treeItems } from '../../src/tui/state/profile/tree.ts';
import { functionOf, profileOf } from '../support/profile.ts';
import { tempFolder } from '../support/recording.ts';

/** More than any runtime tells; a square of it would be minutes. */
const DEPTH = 50_000;

/** A chain of different functions, each with time of its own, and samples that go from one end to the other. */
function chain(depth: number, unit: Profile['unit'] = 'us'): Profile {
  const builder = new TreeBuilder();
  const nodes: number[] = [];
  for (let i = 0; i < depth; i++) {
    const node = builder.child(nodes.at(-1) ?? 0, builder.frame(functionOf(`f${i}`)));
    builder.add(node, 1000);
    nodes.push(node);
  }
  const samples = {
    node: Uint32Array.from(nodes, (node, i) => (i % 2 === 0 ? node : nodes[depth - i]!)),
    atUs: Float64Array.from(nodes, (_, i) => i * 1000),
    weight: new Float64Array(depth).fill(1000),
  };
  const thread = builder.build('main thread', unit === 'us' ? { samples } : {});
  return profileOf([thread], { unit, ...(unit === 'bytes' && { kind: 'in-use-space' }) });
}

describe('a stack of 50 000 calls takes no square of time', () => {
  const [time, bytes] = [chain(DEPTH), chain(DEPTH, 'bytes')];

  test('tables, differences, parts, trees and the terminal UI', () => {
    const [thread] = time.threads;
    for (const grouping of GROUPINGS) {
      expect(tableOf(time, grouping).all).toBe(DEPTH * 1000);
      if (grouping !== 'line') expect(diffOf(time, time, grouping).rows.length).toBeGreaterThan(0);
    }
    const table = tableOf(time, 'function').rows;
    expect(table.find(({ name }) => name === 'f0')).toMatchObject({ self: 1000, total: DEPTH * 1000 });
    expect(tableOf(time, 'category').rows).toMatchObject([{ self: DEPTH * 1000, total: DEPTH * 1000 }]);
    for (const cut of [{ focus: /f25000/ }, { ignore: /f49999/ }, { hide: /f2/ }, { fromMs: 10, toMs: 1000 }])
      expect(totalOf(cutProfile(time, cut)!.threads[0]!)).toBeGreaterThan(0);
    const related = relationsOf(thread!, thread!.frames[DEPTH / 2]!);
    expect(related).toMatchObject({ self: 1000, total: (DEPTH * 1000) / 2 });
    expect(functionItems(thread!, 'us')).toHaveLength(DEPTH);
    for (const view of ['tree', 'callers'] as const)
      expect(treeItems(thread!, 'us', view, new Set()).items.length).toBeGreaterThan(0);
    expect(treeText(thread!, 'us', { paint: (text) => text, width: 100, rows: 10 })).toContain('f9');
    expect(diffFlamegraph(time, time)).toContain('f9');
  });

  test.each(exporters.map(({ id, extension, write }) => ({ id, extension, write })))(
    '$id: written, and what is read again weighs the same',
    ({ id, extension, write }) => {
      const profile = id === 'heapprofile' ? bytes : time;
      const content = write(profile);
      expect(content.length).toBeLessThan(300e6);
      if (['html', 'markdown', 'svg', 'trace-events'].includes(id)) return;
      const folder = tempFolder({ [`a.${extension}`]: Buffer.from(content as string) });
      const again = readProfile(`${folder}/a.${extension}`);
      expect(totalOf(again.threads[0]!)).toBe(DEPTH * 1000);
      expect(tableOf(again, 'function').rows.length).toBeGreaterThanOrEqual(DEPTH);
    },
  );
});

test('a stack that ends in itself is told, not followed', () => {
  const callFrame = { functionName: 'f', url: '', lineNumber: 0, columnNumber: 0 };
  const nodes = [1, 2, 3].map((id) => ({ id, callFrame, children: [(id % 3) + 1] }));
  const folder = tempFolder({ 'a.cpuprofile': JSON.stringify({ nodes, startTime: 0, endTime: 1 }) });
  expect(() => readProfile(`${folder}/a.cpuprofile`)).toThrow(/its stacks are endless/);
});

test('a function that calls itself through others counts once', () => {
  const builder = new TreeBuilder();
  const [a, b] = [builder.frame(functionOf('a')), builder.frame(functionOf('b'))];
  for (const stack of [[a], [a, b], [a, b, a], [a, b, a, b], [b], [b, a]]) builder.add(builder.stack(stack), 1);
  const profile = profileOf([builder.build('main thread')]);
  expect(tableOf(profile, 'function').rows.map(({ name, self, total }) => [name, self, total])).toEqual([
    ['a', 3, 5],
    ['b', 3, 5],
  ]);
  const { callees, callers, total } = relationsOf(profile.threads[0]!, functionOf('a'));
  expect({ total, callees: callees.map(({ weight }) => weight), callers: callers.map(({ weight }) => weight) }).toEqual(
    {
      total: 5,
      callees: [3],
      callers: [4, 1],
    },
  );
});
