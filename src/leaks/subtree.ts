/** Objects and bytes below each node of a path tree. */
import type { PathTree } from '../heap/path-tree.ts';
import { type HeapSnapshot, idTable, slotOf } from '../heap/snapshot.ts';

/** What a program makes, as opposed to what V8 makes for it. */
const PROGRAM_TYPES = [
  'object',
  'closure',
  'string',
  'concatenated string',
  'sliced string',
  'regexp',
  'symbol',
  'bigint',
];
/** Numbers that do not fit into their slot come and go with optimisation. */
const NOT_COUNTED = /^system \/ (?!Context$)/;

export interface Subtree {
  bytes: Float64Array;
  /** Objects of the program. */
  counts: Uint32Array;
}

/** By node: 1 for an object of the program. */
export function programObjects(snapshot: HeapSnapshot): Uint8Array {
  const { nodeType, nodeName, nodeTypes, strings } = snapshot.columns;
  const counted = new Uint8Array(256);
  nodeTypes.forEach((type, i) => {
    counted[i] = PROGRAM_TYPES.includes(type) ? 1 : 0;
  });
  const object = nodeTypes.indexOf('object');
  const flags = new Uint8Array(snapshot.nodeCount);
  const names = new Map<number, number>();
  for (let node = 1; node < flags.length; node++) {
    const type = nodeType[node]!;
    if (counted[type] === 0) continue;
    if (type !== object) {
      flags[node] = 1;
      continue;
    }
    const name = nodeName[node]!;
    let flag = names.get(name);
    if (flag === undefined) {
      flag = NOT_COUNTED.test(strings.at(name).slice(0, 40)) ? 0 : 1;
      names.set(name, flag);
    }
    flags[node] = flag;
  }
  return flags;
}

export function subtrees(snapshot: HeapSnapshot, tree: PathTree, counted: Uint8Array): Subtree {
  const bytes = Float64Array.from(snapshot.columns.selfSize);
  const counts = Uint32Array.from(counted);
  for (let at = tree.order.length - 1; at > 0; at--) {
    const node = tree.order[at]!;
    const parent = tree.parent[node]!;
    bytes[parent]! += bytes[node]!;
    counts[parent]! += counts[node]!;
  }
  return { bytes, counts };
}

/** What is kept of an older snapshot: its ids, and what was below each. */
export interface SnapshotIndex {
  ids: Uint32Array | Float64Array;
  /** See `idTable`. */
  table: Uint32Array;
  /** The largest that an object has: later snapshots have larger ones. */
  lastId: number;
  /** Of type and name, see `kindsOf`. */
  kinds: Uint32Array;
  bytes: Float64Array;
  counts: Uint32Array;
}

/**
 * A number for a node's type and name that is the same in all snapshots. V8 gives an object that was allocated where another one has
 * died that one's id: if the kind differs as well, it is another object.
 */
export function kindsOf(snapshot: HeapSnapshot): (node: number) => number {
  const { nodeType, nodeName, strings } = snapshot.columns;
  const hashes = new Uint32Array(strings.count);
  return (node) => {
    const name = nodeName[node]!;
    if (hashes[name] === 0) hashes[name] = strings.hash(name) | 1;
    return (hashes[name]! ^ Math.imul(nodeType[node]! + 1, 0x9e3779b1)) >>> 0;
  };
}

export function indexSnapshot(snapshot: HeapSnapshot, tree: PathTree): SnapshotIndex {
  const { order } = tree;
  const { nodeId } = snapshot.columns;
  const { bytes, counts } = subtrees(snapshot, tree, programObjects(snapshot));
  const kindOf = kindsOf(snapshot);
  const ids = nodeId.slice(0, order.length);
  const kinds = new Uint32Array(order.length);
  const index = { bytes: new Float64Array(order.length), counts: new Uint32Array(order.length) };
  for (let at = 0; at < order.length; at++) {
    const node = order[at]!;
    ids[at] = nodeId[node]!;
    kinds[at] = kindOf(node);
    index.bytes[at] = bytes[node]!;
    index.counts[at] = counts[node]!;
  }
  return { ...index, ids, kinds, table: idTable(ids), lastId: lastIdOf(snapshot) };
}

/** Of V8's own objects: Node's native ones have numbers of another kind. */
export function lastIdOf({ columns }: HeapSnapshot): number {
  const { nodeType, nodeTypes, nodeId } = columns;
  const object = nodeTypes.indexOf('object');
  let last = 0;
  for (let node = 0; node < nodeType.length; node++) {
    if (nodeType[node] === object && nodeId[node]! > last) last = nodeId[node]!;
  }
  return last;
}

/** Where the id is in the index; -1 if it is not. */
export function positionOf({ table, ids }: SnapshotIndex, id: number): number {
  return slotOf(table, ids, id);
}
