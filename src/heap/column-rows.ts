/** How rows of a snapshot become columns, wherever they are read. */
import type { Scatter } from './pieces.ts';

/** Fields by their place in a row. */
export interface NodeFields {
  width: number;
  type: number;
  name: number;
  id: number;
  size: number;
  edges: number;
}

export interface EdgeFields {
  width: number;
  type: number;
  name: number;
  target: number;
}

export interface NodeRows {
  nodeType: Uint8Array;
  nodeName: Uint32Array;
  nodeId: Uint32Array;
  selfSize: Uint32Array;
  /** Not summed up yet: how many edges each node has. */
  firstEdge: Uint32Array;
}

export interface EdgeRows {
  edgeType: Uint8Array;
  edgeName: Uint32Array;
  edgeTarget: Uint32Array;
}

export function nodeScatter(columns: NodeRows, fields: NodeFields, typeCount: number): Scatter {
  const { nodeType, nodeName, nodeId, selfSize, firstEdge } = columns;
  const { width, type: typeAt, name: nameAt, id: idAt, size: sizeAt, edges: edgesAt } = fields;
  return (numbers, count, firstRow) => {
    for (let at = 0, to = firstRow; at < count * width; at += width, to++) {
      const type = numbers[at + typeAt]!;
      if (type >= typeCount) return false;
      nodeType[to] = type;
      nodeName[to] = numbers[at + nameAt]!;
      nodeId[to] = numbers[at + idAt]!;
      selfSize[to] = numbers[at + sizeAt]!;
      firstEdge[to] = numbers[at + edgesAt]!;
    }
    return true;
  };
}

export function edgeScatter(
  columns: EdgeRows,
  fields: EdgeFields,
  { typeCount, nodeCount, nodeWidth }: { typeCount: number; nodeCount: number; nodeWidth: number },
): Scatter {
  const { edgeType, edgeName, edgeTarget } = columns;
  const { width, type: typeAt, name: nameAt, target: targetAt } = fields;
  const perField = 1 / nodeWidth;
  return (numbers, count, firstRow) => {
    for (let at = 0, to = firstRow; at < count * width; at += width, to++) {
      const type = numbers[at + typeAt]!;
      if (type >= typeCount) return false;
      // The file counts fields, not nodes. To multiply by a fraction and to look whether it fits is quicker than to divide.
      const field = numbers[at + targetAt]!;
      const target = (field * perField + 0.5) >>> 0;
      if (target >= nodeCount || Math.imul(target, nodeWidth) >>> 0 !== field) return false;
      edgeType[to] = type;
      edgeName[to] = numbers[at + nameAt]!;
      edgeTarget[to] = target;
    }
    return true;
  };
}
