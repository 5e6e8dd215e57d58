/** Snapshots made by hand: nodes with edges, written as V8 writes them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import type { HeapSnapshot } from '../../src/heap/snapshot.ts';

const NODE_TYPES = ['hidden', 'object', 'closure', 'array', 'synthetic', 'code', 'string'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];

export interface Made {
  type?: string;
  name?: string;
  size?: number;
  /** [target, name or index, type] */
  edges?: readonly (readonly [number, (string | number)?, string?])[];
}

export async function snapshotOf(made: readonly Made[]): Promise<HeapSnapshot> {
  const strings = new Map<string, number>();
  const text = (value: string): number => {
    if (!strings.has(value)) strings.set(value, strings.size);
    return strings.get(value)!;
  };
  const nodes: number[] = [];
  const edges: number[] = [];
  for (const [i, { type = 'object', name = `n${i}`, size = 8, edges: own = [] }] of made.entries()) {
    nodes.push(NODE_TYPES.indexOf(type), text(name), 2 * i + 1, size, own.length);
    for (const [target, label = 'x', edgeType = 'property'] of own) {
      edges.push(EDGE_TYPES.indexOf(edgeType), typeof label === 'number' ? label : text(label), target * 5);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-graph-'));
  const path = join(folder, 'x.heapsnapshot');
  const meta = {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count'],
    node_types: [NODE_TYPES, 'string', 'number', 'number', 'number'],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
  };
  writeFileSync(
    path,
    JSON.stringify({
      snapshot: { meta, node_count: made.length, edge_count: edges.length / 3 },
      nodes,
      edges,
      strings: [...strings.keys()],
    }),
  );
  try {
    return await readSnapshot(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Numbers that look random and are the same each time. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
