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

/** Computed once. 28 bytes a node and 4 an edge while it lasts, 12 bytes a node afterwards. */
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

/** Nodes numbered in the order of a depth-first walk. The arrays have an entry for each node, and serve several times. */
interface Walk {
  count: number;
  nodeAt: Uint32Array;
  /** UNREACHED for the others. */
  numberOf: Uint32Array<ArrayBuffer>;
  /** In numbers; the root's is 0. */
  parent: Uint32Array;
  /** The least number that an edge to each comes from: its parent's, or that of a node above. */
  lowest: Uint32Array;
  /** How many edges lead to each number from larger ones. */
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
  // Both in one buffer, of which the retained sizes are made in the end.
  const shared = new ArrayBuffer(8 * nodeCount);
  const numberOf = new Uint32Array(shared, 0, nodeCount).fill(UNREACHED);
  const parent = new Uint32Array(shared, 4 * nodeCount, nodeCount);
  const lowest = new Uint32Array(nodeCount);
  // The path that is being walked: a node's next edge; the node before is its parent.
  const nextEdge = new Uint32Array(nodeCount);
  const incoming = new Uint32Array(nodeCount + 1);
  let count = 1;
  if (nodeCount === 0) return { count: 0, nodeAt, numberOf, parent, lowest, incoming, spare: nextEdge };
  numberOf[0] = 0;
  let number = 0;
  let edge = firstEdge[0]!;
  let end = firstEdge[1]!;
  let kinds = ofRoot;
  for (;;) {
    let target = 0;
    for (; edge < end; edge++) {
      if (kinds[edgeType[edge]!] === 0) continue;
      target = edgeTarget[edge]!;
      const known = numberOf[target]!;
      if (known === UNREACHED) break;
      if (known < number) incoming[known]!++;
      else if (lowest[known]! > number) lowest[known] = number;
    }
    if (edge < end) {
      nextEdge[number] = edge + 1;
      numberOf[target] = count;
      nodeAt[count] = target;
      parent[count] = lowest[count] = number;
      number = count++;
      edge = firstEdge[target]!;
      end = firstEdge[target + 1]!;
      kinds = ofOthers;
    } else if (number === 0) break;
    else {
      number = parent[number]!;
      edge = nextEdge[number]!;
      end = firstEdge[nodeAt[number]! + 1]!;
      if (number === 0) kinds = ofRoot;
    }
  }
  return { count, nodeAt, numberOf, parent, lowest, incoming, spare: nextEdge };
}

interface Predecessors {
  /** Those of number w are from[first[w]] … from[first[w + 1] - 1]. */
  first: Uint32Array;
  /** Numbers above w. Of those below, `lowest` has what counts. */
  from: Uint32Array;
}

function predecessors(snapshot: HeapSnapshot, { count, nodeAt, numberOf, incoming: first }: Walk): Predecessors {
  const { firstEdge, edgeTarget, edgeType } = snapshot.columns;
  const { ofRoot, ofOthers } = edgeKinds(snapshot);
  for (let number = 1; number <= count; number++) first[number]! += first[number - 1]!;
  const from = new Uint32Array(first[count] ?? 0);
  for (let number = 0; number < count; number++) {
    const node = nodeAt[number]!;
    const kinds = node === 0 ? ofRoot : ofOthers;
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      if (kinds[edgeType[edge]!] === 0) continue;
      const to = numberOf[edgeTarget[edge]!]!;
      if (to < number) from[--first[to]!] = number;
    }
  }
  return { first, from };
}

/** The dominator of each number. */
function lengauerTarjan(
  { count, parent, numberOf, lowest: semi, spare }: Walk,
  { first, from }: Predecessors,
): Uint32Array {
  const label = spare;
  for (let number = 0; number < count; number++) label[number] = number;
  // Parents are not needed any more once paths are compressed.
  const ancestor = parent;
  // Until its dominator is known, the next one in its bucket.
  const dominator = new Uint32Array(count);
  const bucket = numberOf.fill(0);
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
    let lowest = semi[w]!;
    for (let at = first[w]!; at < first[w + 1]!; at++) {
      const found = semi[best(from[at]!, w)]!;
      if (found < lowest) lowest = found;
    }
    semi[w] = lowest;
    // As for most: no path leads around the parent.
    if (lowest === above) dominator[w] = above;
    else {
      dominator[w] = bucket[lowest]!;
      bucket[lowest] = w;
    }
    // From now on w is linked to its parent.
    for (let v = bucket[above]!, next = 0; v !== 0; v = next) {
      next = dominator[v]!;
      const u = best(v, w - 1);
      dominator[v] = semi[u]! < semi[v]! ? u : above;
    }
    bucket[above] = 0;
  }
  for (let w = 1; w < count; w++) if (dominator[w] !== semi[w]) dominator[w] = dominator[dominator[w]!]!;
  return dominator;
}

function inNodes(snapshot: HeapSnapshot, { count, nodeAt, numberOf, spare }: Walk, numbers: Uint32Array): Dominators {
  const dominator = spare.fill(UNREACHED);
  const retained = new Float64Array(numberOf.buffer);
  const { selfSize } = snapshot.columns;
  for (let node = 0; node < retained.length; node++) retained[node] = selfSize[node]!;
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
