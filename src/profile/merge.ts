import { groupBy } from '../util/group-by.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Taken, ThreadProfile } from './types.ts';

/** Profiles of several processes as one: threads of one name become one tree. What happened when, and on which line, is not kept of those. */
export function mergeByName(threads: readonly ThreadProfile[]): ThreadProfile[] {
  return [...groupBy(threads, ({ name }) => name).values()].map((same) =>
    same.length === 1 ? same[0]! : merged(same),
  );
}

function merged(threads: readonly ThreadProfile[]): ThreadProfile {
  const tree = new TreeBuilder();
  for (const { frames, parent, frame, self } of threads) {
    const nodes = new Uint32Array(parent.length);
    // A parent stands before its children.
    for (let i = 1; i < parent.length; i++) nodes[i] = tree.child(nodes[parent[i]!]!, tree.frame(frames[frame[i]!]!));
    for (let i = 0; i < parent.length; i++) tree.add(nodes[i]!, self[i]!);
  }
  return tree.build(threads[0]!.name, { taken: takenOf(threads.map(({ taken }) => taken)) });
}

/** Null if not all of them know. */
function takenOf(all: readonly (Taken | null)[]): Taken | null {
  const known = all.filter((one) => one !== null);
  const [first] = known;
  if (!first || known.length < all.length) return null;
  const sum = (of: (taken: Taken) => number | null): number | null =>
    known.some((one) => of(one) === null) ? null : known.reduce((total, one) => total + of(one)!, 0);
  return {
    spanUs: Math.max(...known.map(({ spanUs }) => spanUs)),
    sampleCount: sum(({ sampleCount }) => sampleCount)!,
    interval: first.interval,
    missedCount: sum(({ missedCount }) => missedCount),
    warmCode: known.every(({ warmCode }) => warmCode === first.warmCode) ? first.warmCode : null,
    apart: known.every(({ apart }) => apart === first.apart) ? first.apart : null,
  };
}
