/**
 * What keeps what alive: a node's dominator is the last node that every path from the roots to it passes. What is freed with a node is
 * its retained size. Lengauer and Tarjan's algorithm with path compression: it stays near-linear also for lists of a million
 * nodes that point back, for which walking up from each node would be quadratic.
 * A fast algorithm for finding dominators in a flowgraph, ACM TOPLAS 1 (1979).
 */
import { weakenEphemerons } from './ephemerons.ts';
import type { HeapSnapshot } from './snapshot.ts';

/** For a node that cannot be reached. */
export const UNREACHED = 0xffffffff;

/** By node. Node 0, the root, is its own dominator. */
export interface Dominators {
  /** UNREACHED for nodes to which only weak edges lead. */
  dominator: Uint32Array;
  /** Bytes, the node's own among them. */
  retained: Float64Array;
}

const known = new WeakMap<HeapSnapshot, Dominators>();

/** Computed once. 44 bytes a node and 4 an edge while it lasts, 12 bytes a node afterwards. */
export function dominators(snapshot: HeapSnapshot): Dominators {
  let found = known.get(snapshot);
  if (!found) {
    weakenEphemerons(snapshot);
    const tree = depthFirst(snapshot);
    found = inNodes(snapshot, tree, lengauerTarjan(tree, predecessors(snapshot, tree)));
    known.set(snapshot, found);
  }
  return found;
}

/** Nodes numbered in the order of a depth-first walk. The arrays have an entry for each node, and are reused. */
interface Walk {
  count: number;
  nodeAt: Uint32Array;
  /** UNREACHED for the others. */
  numberOf: Uint32Array;
  /** In numbers; the root's is 0. */
  parent: Uint32Array;
  /** How many edges lead to each number, without those of the walk. */
  incoming: Uint32Array;
  spare: Uint32Array;
}

/** Whether an edge keeps its target alive: not if it is weak, and a shortcut only from the root, as in DevTools. */
function edgeKinds(snapshot: HeapSnapshot): { ofRoot: Uint8Array; ofOthers: Uint8Array } {
  const { edgeTypes } = snapshot.columns;
  const ofRoot = new Uint8Array(256);
  edgeTypes.forEach((type, i) => {
    ofRoot[i] = type === 'weak' ? 0 : 1;
  });
  const ofOthers = ofRoot.slice();
  if (edgeTypes.includes('shortcut')) ofOthers[edgeTypes.indexOf('shortcut')] = 0;
  return { ofRoot, ofOthers };
}

function depthFirst(snapshot: HeapSnapshot): Walk {
  const { nodeCount, columns } = snapshot;
  const { firstEdge, edgeTarget, edgeType } = columns;
  const { ofRoot, ofOthers } = edgeKinds(snapshot);
  const nodeAt = new Uint32Array(nodeCount);
  const numberOf = new Uint32Array(nodeCount).fill(UNREACHED);
  const parent = new Uint32Array(nodeCount);
  // The current path: a node's next edge; the previous node is its parent.
  const nextEdge = new Uint32Array(nodeCount);
  const incoming = new Uint32Array(nodeCount + 1);
  let count = 1;
  if (nodeCount === 0) return { count: 0, nodeAt, numberOf, parent, incoming, spare: nextEdge };
  numberOf[0] = 0;
  nextEdge[0] = firstEdge[0]!;
  let number = 0;
  for (;;) {
    const node = nodeAt[number]!;
    const end = firstEdge[node + 1]!;
    const kinds = node === 0 ? ofRoot : ofOthers;
    let edge = nextEdge[number]!;
    for (; edge < end; edge++) {
      if (kinds[edgeType[edge]!] === 0) continue;
      const known = numberOf[edgeTarget[edge]!]!;
      if (known === UNREACHED) break;
      incoming[known]!++;
    }
    nextEdge[number] = edge + 1;
    if (edge < end) {
      const target = edgeTarget[edge]!;
      numberOf[target] = count;
      nodeAt[count] = target;
      parent[count] = number;
      nextEdge[count] = firstEdge[target]!;
      number = count++;
    } else if (number === 0) break;
    else number = parent[number]!;
  }
  return { count, nodeAt, numberOf, parent, incoming, spare: nextEdge };
}

interface Predecessors {
  /** Those of number w are from[first[w]] … from[first[w + 1] - 1]. */
  first: Uint32Array;
  /** Numbers. The parent is only among them if it has a second edge. */
  from: Uint32Array;
}

function predecessors(
  snapshot: HeapSnapshot,
  { count, nodeAt, numberOf, parent, incoming: first }: Walk,
): Predecessors {
  const { firstEdge, edgeTarget, edgeType } = snapshot.columns;
  const { ofRoot, ofOthers } = edgeKinds(snapshot);
  for (let number = 1; number <= count; number++) first[number]! += first[number - 1]!;
  const from = new Uint32Array(first[count] ?? 0);
  // The walk went along one edge to each; which of several equal ones does not matter.
  const isWalked = new Uint8Array(count);
  for (let number = 0; number < count; number++) {
    const node = nodeAt[number]!;
    const kinds = node === 0 ? ofRoot : ofOthers;
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      if (kinds[edgeType[edge]!] === 0) continue;
      const to = numberOf[edgeTarget[edge]!]!;
      if (parent[to] === number && to !== 0 && isWalked[to] === 0) isWalked[to] = 1;
      else from[--first[to]!] = number;
    }
  }
  return { first, from };
}

/** The dominator of each number. */
function lengauerTarjan({ count, parent, numberOf, spare }: Walk, { first, from }: Predecessors): Uint32Array {
  const semi = new Uint32Array(count);
  const label = spare;
  for (let number = 0; number < count; number++) semi[number] = label[number] = number;
  // Parents are not needed any more once paths are compressed.
  const ancestor = parent;
  const dominator = new Uint32Array(count);
  const bucket = numberOf.fill(0);
  const nextInBucket = new Uint32Array(count);
  const stack: number[] = [];
  // The number with the least semidominator on the way up from v among those above `linked`.
  const best = (v: number, linked: number): number => {
    if (v <= linked) return v;
    let at = v;
    while (ancestor[at]! > linked) {
      stack.push(at);
      at = ancestor[at]!;
    }
    let least = label[at]!;
    const top = ancestor[at]!;
    while (stack.length > 0) {
      const below = stack.pop()!;
      const own = label[below]!;
      if (semi[own]! > semi[least]!) label[below] = least;
      else least = own;
      ancestor[below] = top;
    }
    return least;
  };
  for (let w = count - 1; w > 0; w--) {
    const above = parent[w]!;
    let lowest = above;
    for (let at = first[w]!; at < first[w + 1]!; at++) {
      const found = semi[best(from[at]!, w)]!;
      if (found < lowest) lowest = found;
    }
    semi[w] = lowest;
    nextInBucket[w] = bucket[lowest]!;
    bucket[lowest] = w;
    // From now on w is linked to its parent.
    for (let v = bucket[above]!; v !== 0; v = nextInBucket[v]!) {
      const u = best(v, w - 1);
      dominator[v] = semi[u]! < semi[v]! ? u : above;
    }
    bucket[above] = 0;
  }
  for (let w = 1; w < count; w++) if (dominator[w] !== semi[w]) dominator[w] = dominator[dominator[w]!]!;
  return dominator;
}

function inNodes(snapshot: HeapSnapshot, { count, nodeAt }: Walk, numbers: Uint32Array): Dominators {
  const dominator = new Uint32Array(snapshot.nodeCount).fill(UNREACHED);
  const retained = Float64Array.from(snapshot.columns.selfSize);
  if (count > 0) dominator[0] = 0;
  // A dominator comes before what it dominates.
  for (let number = count - 1; number > 0; number--) {
    const node = nodeAt[number]!;
    const above = nodeAt[numbers[number]!]!;
    dominator[node] = above;
    retained[above]! += retained[node]!;
  }
  return { dominator, retained };
}
