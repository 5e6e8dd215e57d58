/** What is suspicious in a single snapshot. It cannot tell what grows from what is large by design. */
import { dominators, UNREACHED } from '../heap/dominators.ts';
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { type Holder, Holders } from './holders.ts';
import { abortListeners, calls, contexts, duplicates, type Found, listenerLists, timers } from './suspect-kinds.ts';

/** Share of the heap, and bytes, from which a holder is reported: MAT's dominator report begins at a tenth; at 5 % there can be at most twenty. */
const MIN_SHARE = 0.05;
const MIN_BYTES = 1e6;
/** The largest share of its bytes that one thing it holds may have: otherwise that thing is the holder. */
const MAX_CHILD_SHARE = 0.5;

export function findSuspects(
  snapshot: HeapSnapshot,
  tree: PathTree,
): { found: (Found & { holder: Holder })[]; holders: Holders } {
  const holders = new Holders(snapshot, tree);
  const all = [
    ...largeHolders(snapshot, tree),
    ...listenerLists(snapshot),
    ...abortListeners(snapshot, tree),
    ...timers(snapshot, holders),
    ...calls(snapshot),
    ...contexts(snapshot),
    ...duplicates(snapshot),
  ];
  const chains = all.map(({ sample }) => holders.chainOf(sample));
  holders.prepare(chains);
  const found = all.map((each, i) => ({ ...each, holder: holders.holderOf(chains[i]!, 0) }));
  return { found: found.filter((each) => !isBuiltIn(each, holders)), holders };
}

/** What Node itself keeps is not reported: its own code, its caches of modules. */
function isBuiltIn({ kind, holder }: Found & { holder: Holder }, { graph }: Holders): boolean {
  if (holder.isOwn) return true;
  if (kind !== null && kind !== 'strings') return false;
  if (holder.kind === 'module-cache' || holder.place?.file.startsWith('node:')) return true;
  return holder.kind === 'handles' && graph.snapshot.nodeType(holder.node) !== 'object';
}

/** Nodes that dominate much, and below which no single node dominates most of it. */
function largeHolders(snapshot: HeapSnapshot, tree: PathTree): Found[] {
  const { dominator, retained } = dominators(snapshot);
  const least = Math.max(MIN_BYTES, MIN_SHARE * retained[0]!);
  const largest = new Map<number, number>();
  for (let node = 1; node < snapshot.nodeCount; node++) {
    if (retained[node]! < least || dominator[node] === UNREACHED) continue;
    if (!largest.has(node)) largest.set(node, 0);
    const owner = dominator[node]!;
    if (retained[node]! > (largest.get(owner) ?? 0)) largest.set(owner, retained[node]!);
  }
  const candidates = [...largest].filter(
    ([node, child]) => isHolder(snapshot, node) && child < MAX_CHILD_SHARE * retained[node]!,
  );
  // A table inside a Map is the Map's.
  const owners = new Map(candidates.map(([node]) => [node, outOfTables(snapshot, node, dominator)]));
  return contentsOf(snapshot, dominator, retained, owners).map(({ owner, className, count, sample }) => ({
    kind: null,
    className,
    count,
    bytes: retained[owner]!,
    sample: tree.order.length > 0 ? sample : owner,
  }));
}

function isHolder(snapshot: HeapSnapshot, node: number): boolean {
  return /^(object|closure|array)$/.test(snapshot.nodeType(node));
}

function outOfTables(snapshot: HeapSnapshot, node: number, dominator: Uint32Array): number {
  let at = node;
  while (at !== 0 && snapshot.nodeType(at) === 'array') at = dominator[at]!;
  return at;
}

interface Contents {
  owner: number;
  className: string;
  count: number;
  sample: number;
}

/** What each of these dominates at once, by constructor: the one with the most bytes. */
function contentsOf(
  snapshot: HeapSnapshot,
  dominator: Uint32Array,
  retained: Float64Array,
  owners: Map<number, number>,
): Contents[] {
  const { nodeType, nodeName, nodeTypes } = snapshot.columns;
  const table = nodeTypes.indexOf('array');
  const object = nodeTypes.indexOf('object');
  // By the index of the name, or -1 less the type: to decode a name for each of millions of nodes takes long.
  const classes = new Map<number, Map<number, { name: string; count: number; bytes: number; sample: number }>>();
  // An array access for each of millions of nodes, a Map access only for those that count.
  const isOwner = new Uint8Array(snapshot.nodeCount);
  for (const [inner, owner] of owners) {
    if (owner === 0) continue;
    if (!classes.has(owner)) classes.set(owner, new Map());
    classes.set(inner, classes.get(owner)!);
    isOwner[owner] = isOwner[inner] = 1;
  }
  for (let node = 1; node < snapshot.nodeCount; node++) {
    let above = dominator[node]!;
    if (above === UNREACHED || nodeType[node] === table) continue;
    while (isOwner[above] === 0 && above !== 0 && nodeType[above] === table) above = dominator[above]!;
    if (isOwner[above] === 0) continue;
    const counts = classes.get(above)!;
    const type = nodeType[node]!;
    const key = type === object ? nodeName[node]! : -1 - type;
    let known = counts.get(key);
    if (!known) {
      const name = type === object ? snapshot.nodeName(node).slice(0, 100) : snapshot.nodeType(node);
      known = { name, count: 0, bytes: 0, sample: node };
      counts.set(key, known);
    }
    known.count++;
    known.bytes += retained[node]!;
  }
  return [...new Set(owners.values())].flatMap((owner) => {
    const [best] = [...(classes.get(owner)?.values() ?? [])].sort((a, b) => b.bytes - a.bytes);
    return best
      ? [{ owner, className: best.name.replace(/^system \/ /, ''), count: best.count, sample: best.sample }]
      : [];
  });
}
