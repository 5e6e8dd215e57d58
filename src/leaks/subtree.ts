/** What hangs on each node of a path tree. */
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';

/** What a program makes, against what V8 makes for it. */
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

/** What is kept of an older snapshot: its ids in order, and what hung on each. */
export interface Census {
  ids: Uint32Array | Float64Array;
  /** The largest of what V8 numbers itself: later snapshots have larger ones. */
  lastId: number;
  bytes: Float64Array;
  counts: Uint32Array;
}

export function censusOf(snapshot: HeapSnapshot, tree: PathTree): Census {
  const { nodeId } = snapshot.columns;
  const { bytes, counts } = subtrees(snapshot, tree, programObjects(snapshot));
  const order = tree.order.slice().sort((a, b) => nodeId[a]! - nodeId[b]!);
  const ids = nodeId.slice(0, order.length);
  const native = snapshot.columns.nodeTypes.indexOf('native');
  let lastId = 0;
  const sorted = { ids, lastId, bytes: new Float64Array(order.length), counts: new Uint32Array(order.length) };
  order.forEach((node, at) => {
    ids[at] = nodeId[node]!;
    if (snapshot.columns.nodeType[node] !== native && ids[at]! > lastId) lastId = ids[at]!;
    sorted.bytes[at] = bytes[node]!;
    sorted.counts[at] = counts[node]!;
  });
  return { ...sorted, lastId };
}

/** Where the id is in the census; -1 where it is not. */
export function positionOf({ ids }: Census, id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id ? low : -1;
}
