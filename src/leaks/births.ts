/** Which objects are new, and what was there before that they hang on. */
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { kindsOf, positionOf, type SnapshotIndex } from './subtree.ts';

/** Native objects of Node's have other ids in each snapshot: they count as neither new nor old. Memory of buffers keeps its id. */
export const TRANSIENT = 255;
const TRANSIENT_NAME = /^(?!system \/ JSArrayBufferData)/;

export function birthTimes(snapshot: HeapSnapshot, { order }: PathTree, older: readonly SnapshotIndex[]): Uint8Array {
  const { nodeId, nodeType, nodeTypes } = snapshot.columns;
  const native = nodeTypes.indexOf('native');
  const synthetic = nodeTypes.indexOf('synthetic');
  const born = new Uint8Array(snapshot.nodeCount);
  const kindOf = kindsOf(snapshot);
  for (const node of order) {
    const type = nodeType[node]!;
    const id = nodeId[node]!;
    let time = older.findIndex((index) => {
      const at = positionOf(index, id);
      return at >= 0 && index.kinds[at] === kindOf(node);
    });
    if (time < 0) time = older.length;
    if (time > 0 && (type === synthetic || (type === native && TRANSIENT_NAME.test(snapshot.nodeName(node))))) {
      time = TRANSIENT;
    }
    born[node] = time;
  }
  return born;
}

/**
 * The last old node before the first new object of the program. What is old behind that (the rest of a list whose newest comes first)
 * starts nothing of its own: it may be new in truth, too, as V8 gives an object the id of one that has died at its address.
 */
export function anchorsOf({ order, parent }: PathTree, born: Uint8Array, counted: Uint8Array): Uint32Array {
  const anchors = new Uint32Array(born.length);
  const behindNew = new Uint8Array(born.length);
  for (const node of order) {
    const above = parent[node]!;
    const isOld = born[node] === 0;
    behindNew[node] = behindNew[above] === 1 || (!isOld && born[node] !== TRANSIENT && counted[node] === 1) ? 1 : 0;
    anchors[node] = isOld && behindNew[node] === 0 ? node : anchors[above]!;
  }
  return anchors;
}
