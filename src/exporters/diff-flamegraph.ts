import { totalsOf, withoutIdle } from '../profile/call-tree.ts';
import { cautionOf } from '../profile/diff.ts';
import type { Profile, ProfileFrame, ThreadProfile } from '../profile/types.ts';
import { drawFlamegraph } from './draw-flamegraph.ts';

/** A change of the share by this much has the strongest colour. */
const STRONGEST = 0.1;
/** Smaller changes are chance. */
const SAME = 0.002;

/**
 * The stacks of the second profile, red if they have a larger share than in the first, blue if a smaller one.
 * Threads are compared by their names.
 */
export function diffFlamegraph(before: Profile, after: Profile): string {
  const olds = new Map(before.threads.map((thread) => [thread.name, withoutIdle(thread)]));
  return drawFlamegraph({
    profile: after,
    title: `${before.title} → ${after.title}`,
    facts: cautionOf(before, after) ?? 'shares of the whole, compared with the first profile',
    legend: [
      ['more', 'more'],
      ['less', 'less'],
      ['same', 'the same'],
    ],
    paint(thread) {
      const changes = changesOf(olds.get(thread.name), thread);
      return (node) => {
        const change = changes[node]!;
        const note = `${change >= 0 ? '+' : '−'}${(100 * Math.abs(change)).toFixed(1)} % of the whole`;
        if (Math.abs(change) < SAME) return { kind: 'same', opacity: 1, note };
        const strength = Math.sqrt(Math.min(1, Math.abs(change) / STRONGEST));
        return { kind: change > 0 ? 'more' : 'less', opacity: 0.2 + 0.8 * strength, note };
      };
    },
  });
}

/** By node of the new tree: its share minus that of the same stack in the old one. Functions are the same by name and file. */
function changesOf(old: ThreadProfile | undefined, young: ThreadProfile): Float64Array {
  const [now, was] = [sharesOf(young), old ? sharesOf(old) : new Float64Array(1)];
  const children = new Map<string, number>();
  if (old) for (let node = 1; node < old.parent.length; node++) children.set(keyOf(old, old.parent[node]!, node), node);
  const same = new Int32Array(young.parent.length).fill(-1);
  same[0] = 0;
  const changes = new Float64Array(young.parent.length);
  for (let node = 1; node < young.parent.length; node++) {
    const above = same[young.parent[node]!]!;
    same[node] = above < 0 ? -1 : (children.get(keyOf(young, above, node)) ?? -1);
    changes[node] = now[node]! - (same[node]! < 0 ? 0 : was[same[node]!]!);
  }
  return changes;
}

function sharesOf(thread: ThreadProfile): Float64Array {
  const totals = totalsOf(thread);
  const all = totals[0]!;
  return totals.map((total) => (all > 0 ? total / all : 0));
}

function keyOf({ frames, frame }: ThreadProfile, parent: number, node: number): string {
  const { function: name, file }: ProfileFrame = frames[frame[node]!]!;
  return `${parent}|${name}|${file}`;
}
