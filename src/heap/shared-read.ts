/** What two threads share that read one snapshot: where its arrays are in the file, and the columns that they become. */
import {
  type EdgeFields,
  type EdgeRows,
  edgeScatter,
  type NodeFields,
  type NodeRows,
  nodeScatter,
} from './column-rows.ts';
import type { Bounds, Job } from './pieces.ts';

/** Can be handed to a worker. */
export interface SharedRead {
  path: string;
  nodeFields: NodeFields;
  edgeFields: EdgeFields;
  nodeTypes: number;
  edgeTypes: number;
  nodeCount: number;
  edgeCount: number;
  nodeBounds: Bounds;
  edgeBounds: Bounds;
  nodes: NodeRows;
  edges: EdgeRows;
  /** Pieces taken, of nodes and of edges. */
  taken: Int32Array;
}

export function jobsOf(read: SharedRead): { nodes: Job; edges: Job } {
  const { nodeFields, edgeFields, nodeCount, edgeCount, taken } = read;
  return {
    nodes: {
      bounds: read.nodeBounds,
      width: nodeFields.width,
      rowCount: nodeCount,
      taken: { counter: taken, at: 0 },
      scatter: nodeScatter(read.nodes, nodeFields, read.nodeTypes),
    },
    edges: {
      bounds: read.edgeBounds,
      width: edgeFields.width,
      rowCount: edgeCount,
      taken: { counter: taken, at: 1 },
      scatter: edgeScatter(read.edges, edgeFields, {
        typeCount: read.edgeTypes,
        nodeCount,
        nodeWidth: nodeFields.width,
      }),
    },
  };
}

export const sharedBytes = (length: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(length));
export const sharedWords = (length: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(4 * length));
