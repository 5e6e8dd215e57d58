/** The calls from the top down, and functions with their callers below them; branches are made when they are unfolded. */
import { childLists, frameName, totalsOf, withoutIdle } from '../../../profile/call-tree.ts';
import type { ProfileFrame, ProfileUnit, ThreadProfile } from '../../../profile/types.ts';
import type { Item, ProfileView } from '../types.ts';
import { toItem } from './functions.ts';

/** A branch with this share of the whole is unfolded at first. */
const HEAVY_SHARE = 0.05;
/** This many levels of callers. */
const MAX_CALLERS = 2;
/** Deeper branches are not indented further: their names matter more. */
const MAX_INDENT = 24;

export interface Branch {
  /** The same branch has the same key in another part of the profile. */
  key: string;
  depth: number;
  above: Branch | null;
  frame: ProfileFrame;
  /** Null for a caller, where it means nothing. */
  self: number | null;
  total: number | null;
  isLeaf: boolean;
  /** Unfolded at first. */
  isHeavy: boolean;
  /** The heaviest first. */
  children(): readonly Branch[];
}

interface Tree {
  all: number;
  roots: readonly Branch[];
}

const trees = new WeakMap<ThreadProfile, Map<ProfileView, Tree>>();

function treeOf(thread: ThreadProfile, view: ProfileView): Tree {
  const known = trees.get(thread) ?? new Map<ProfileView, Tree>();
  trees.set(thread, known);
  const tree = known.get(view) ?? (view === 'callers' ? callerTree(thread) : callTree(thread));
  known.set(view, tree);
  return tree;
}

function callTree(thread: ThreadProfile): Tree {
  const busy = withoutIdle(thread);
  const totals = totalsOf(busy);
  const { first, next } = childLists(busy);
  const all = totals[0]!;
  const below = (node: number): number[] => {
    const nodes: number[] = [];
    for (let child = first[node]!; child >= 0; child = next[child]!) if (totals[child]! > 0) nodes.push(child);
    return nodes.sort((a, b) => totals[b]! - totals[a]!);
  };
  const toBranch = (node: number, above: Branch | null): Branch => {
    const branch: Branch = {
      ...{ key: `call ${node}`, depth: above ? above.depth + 1 : 0, above },
      frame: busy.frames[busy.frame[node]!]!,
      self: busy.self[node]!,
      total: totals[node]!,
      isLeaf: below(node).length === 0,
      isHeavy: totals[node]! >= HEAVY_SHARE * all,
      children: once(() => below(node).map((child) => toBranch(child, branch))),
    };
    return branch;
  };
  return { all, roots: below(0).map((node) => toBranch(node, null)) };
}

/** Nodes of one function, and at each the weight that came up from the functions below. */
interface Group {
  nodes: number[];
  weights: number[];
  weight: number;
}

function callerTree(thread: ThreadProfile): Tree {
  const { parent, frame, self, frames } = withoutIdle(thread);
  const group = (nodes: Iterable<number>, weightOf: (i: number) => number): [number, Group][] => {
    const groups = new Map<number, Group>();
    let i = 0;
    for (const node of nodes) {
      const weight = weightOf(i++);
      if (node <= 0 || weight === 0) continue;
      let its = groups.get(frame[node]!);
      if (!its) {
        its = { nodes: [], weights: [], weight: 0 };
        groups.set(frame[node]!, its);
      }
      its.nodes.push(node);
      its.weights.push(weight);
      its.weight += weight;
    }
    return [...groups].sort(([, a], [, b]) => b.weight - a.weight);
  };
  let all = 0;
  for (let node = 1; node < self.length; node++) all += self[node]!;
  const toBranch = ([its, { nodes, weights, weight }]: [number, Group], above: Branch | null): Branch => {
    const depth = above ? above.depth + 1 : 0;
    const branch: Branch = {
      ...{ key: `${above?.key ?? 'self'} ${its}`, depth, above },
      frame: frames[its]!,
      ...{ self: weight, total: null },
      isLeaf: nodes.every((node) => parent[node]! <= 0),
      isHeavy: depth < MAX_CALLERS && weight >= HEAVY_SHARE * all,
      children: once(() =>
        group(
          nodes.map((node) => parent[node]!),
          (i) => weights[i]!,
        ).map((one) => toBranch(one, branch)),
      ),
    };
    return branch;
  };
  return { all, roots: group(self.keys(), (node) => self[node]!).map((one) => toBranch(one, null)) };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

export interface Unfolded {
  branches: readonly Branch[];
  items: readonly Item[];
}

/** The last one of each view: each frame uses it many times. */
const unfolded = new WeakMap<Tree, { toggled: ReadonlySet<string>; of: Unfolded }>();

/** The visible branches, in order, and their rows. */
export function treeItems(
  thread: ThreadProfile,
  unit: ProfileUnit,
  view: ProfileView,
  toggled: ReadonlySet<string>,
): Unfolded {
  const tree = treeOf(thread, view);
  const known = unfolded.get(tree);
  if (known?.toggled === toggled) return known.of;
  const branches: Branch[] = [];
  const open = [...tree.roots].reverse();
  for (let branch = open.pop(); branch; branch = open.pop()) {
    branches.push(branch);
    if (isOpen(branch, toggled)) for (const child of branch.children().toReversed()) open.push(child);
  }
  const items = branches.map((branch) => {
    const mark = branch.isLeaf ? ' ' : isOpen(branch, toggled) ? '▼' : '▶';
    const label = `${' '.repeat(Math.min(MAX_INDENT, branch.depth))}${mark} ${frameName(branch.frame)}`;
    return toItem({ ...branch, label }, tree.all, thread, unit);
  });
  const of = { branches, items };
  unfolded.set(tree, { toggled, of });
  return of;
}

export function isOpen({ key, isHeavy, isLeaf }: Branch, toggled: ReadonlySet<string>): boolean {
  return !isLeaf && isHeavy !== toggled.has(key);
}
