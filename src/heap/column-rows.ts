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

/** Whole rows of these numbers, from `at` on, into the row `to` and those behind it; false if something is wrong with one. */
type StoreRows = (numbers: Uint32Array, at: number, count: number, to: number) => boolean;

/** The end of a piece may cut a row in two: its numbers are stored one by one. */
function scatterOf(
  width: number,
  storeRows: StoreRows,
  storeField: (field: number, value: number, row: number) => boolean,
): Scatter {
  return (numbers, count, first) => {
    let row = Math.floor(first / width);
    let field = first % width;
    let at = 0;
    if (field > 0) {
      for (; at < count && field < width; at++, field++) if (!storeField(field, numbers[at]!, row)) return false;
      row++;
    }
    const rows = Math.floor((count - at) / width);
    if (!storeRows(numbers, at, rows, row)) return false;
    at += rows * width;
    for (field = 0; at < count; at++, field++) if (!storeField(field, numbers[at]!, row + rows)) return false;
    return true;
  };
}

export function nodeScatter(columns: NodeRows, fields: NodeFields, typeCount: number): Scatter {
  const { nodeType, nodeName, nodeId, selfSize, firstEdge } = columns;
  const { width, type: typeAt, name: nameAt, id: idAt, size: sizeAt, edges: edgesAt } = fields;
  const storeField = (field: number, value: number, row: number): boolean => {
    if (field === typeAt) nodeType[row] = value;
    else if (field === nameAt) nodeName[row] = value;
    else if (field === idAt) nodeId[row] = value;
    else if (field === sizeAt) selfSize[row] = value;
    else if (field === edgesAt) firstEdge[row] = value;
    return field !== typeAt || value < typeCount;
  };
  const storeRows: StoreRows = (numbers, from, count, firstRow) => {
    const end = from + count * width;
    for (let at = from, to = firstRow; at < end; at += width, to++) {
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
  return scatterOf(width, storeRows, storeField);
}

export function edgeScatter(
  columns: EdgeRows,
  fields: EdgeFields,
  { typeCount, nodeCount, nodeWidth }: { typeCount: number; nodeCount: number; nodeWidth: number },
): Scatter {
  const { edgeType, edgeName, edgeTarget } = columns;
  const { width, type: typeAt, name: nameAt, target: targetAt } = fields;
  const storeField = (field: number, value: number, row: number): boolean => {
    if (field === typeAt) edgeType[row] = value;
    else if (field === nameAt) edgeName[row] = value;
    else if (field === targetAt) {
      edgeTarget[row] = value / nodeWidth;
      return value % nodeWidth === 0 && value / nodeWidth < nodeCount;
    }
    return field !== typeAt || value < typeCount;
  };
  const perField = 1 / nodeWidth;
  const storeRows: StoreRows = (numbers, from, count, firstRow) => {
    const end = from + count * width;
    for (let at = from, to = firstRow; at < end; at += width, to++) {
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
  return scatterOf(width, storeRows, storeField);
}
