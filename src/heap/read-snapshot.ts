/**
 * Reads a `.heapsnapshot` file as V8 writes it: one object with the keys `snapshot` (layout and counts), `nodes`, `edges`, `locations`
 * (arrays of integers) and `strings`. The file is never in memory as a whole.
 * Format: https://github.com/v8/v8/blob/main/src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer.
 */
import { requireKind } from '../recording/file-kinds.ts';
import { ByteReader, type ReaderOptions } from './byte-reader.ts';
import { readLocations } from './locations.ts';
import { positions, readRows } from './numbers.ts';
import { beginParallel, type ParallelRead, workerFor } from './parallel-read.ts';
import { type Columns, HeapSnapshot } from './snapshot.ts';
import { readStrings, type StringTable } from './string-table.ts';

const UINT32_MAX = 2 ** 32 - 1;
/** A number and its comma. */
const MIN_FIELD_BYTES = 2;
const END = -1;
const OPEN = 91;

/** Reads the file. Throws InputError, a sentence with the byte offset, if it is truncated, corrupt or something else. */
export async function readSnapshot(path: string, options: ReaderOptions = {}): Promise<HeapSnapshot> {
  requireKind(path, 'snapshot');
  const worker = options.kernel ? null : workerFor(path, options);
  // What is wrong with a file, or only unusual in it, one thread alone can say and read.
  const quickly = worker === null ? null : await readWith(path, options, worker).catch(() => null);
  return quickly ?? readWith(path, options, null);
}

async function readWith(path: string, options: ReaderOptions, worker: string | null): Promise<HeapSnapshot> {
  const reader = await ByteReader.open(path, options);
  const sections: Sections = {};
  try {
    await readSections(reader, sections, worker);
    const { parallel } = sections;
    if (parallel) {
      const rows = await parallel.finish((done) => options.onProgress?.(done, reader.fileBytes));
      if (!rows) throw reader.corrupt('it is not as V8 writes it');
      Object.assign(sections, rows);
    }
    return assemble(reader, sections);
  } finally {
    sections.parallel?.close();
    await reader.close();
  }
}

interface Layout {
  nodeFields: readonly string[];
  edgeFields: readonly string[];
  locationFields: readonly string[];
  nodeTypes: readonly string[];
  edgeTypes: readonly string[];
  nodeCount: number;
  edgeCount: number;
}

type NodeColumns = Pick<Columns, 'nodeType' | 'nodeName' | 'nodeId' | 'selfSize' | 'firstEdge'>;
type EdgeColumns = Pick<Columns, 'edgeType' | 'edgeName' | 'edgeTarget'>;

interface Sections {
  layout?: Layout;
  nodes?: NodeColumns;
  edges?: EdgeColumns;
  locations?: Int32Array;
  strings?: StringTable;
  /** Two threads read nodes and edges. */
  parallel?: ParallelRead;
}

async function readSections(reader: ByteReader, sections: Sections, worker: string | null): Promise<void> {
  await reader.expect('{');
  for (;;) {
    const key = await readKey(reader);
    if (key !== 'nodes' || !worker || !(await skipRows(reader, sections, worker)))
      await readSection(reader, sections, key);
    reader.part = 'the space between two parts';
    const byte = await reader.next();
    if (byte === 125) break;
    if (byte === 44) continue;
    reader.at--;
    throw reader.unexpected(byte, "',' or '}'");
  }
  const rest = await reader.peek();
  if (rest !== END) throw reader.corrupt('more follows behind its end');
}

/** Leaves nodes and edges to two threads and goes on behind them; false if that is not possible. */
async function skipRows(reader: ByteReader, sections: Sections, worker: string): Promise<boolean> {
  const { nodeFields, edgeFields, nodeTypes, edgeTypes, nodeCount, edgeCount } = layoutBefore(reader, sections);
  if ((await reader.peek()) !== OPEN) return false;
  const of = positions(nodeFields, ['type', 'name', 'id', 'self_size', 'edge_count']);
  const [type, name, target] = positions(edgeFields, ['type', 'name_or_index', 'to_node']);
  const parallel = beginParallel(reader.path, worker, reader.offset + 1, reader.fileBytes, {
    nodeFields: { width: nodeFields.length, type: of[0], name: of[1], id: of[2], size: of[3], edges: of[4] },
    edgeFields: { width: edgeFields.length, type, name, target },
    nodeTypes: nodeTypes.length,
    edgeTypes: edgeTypes.length,
    nodeCount,
    edgeCount,
  });
  if (!parallel) return false;
  sections.parallel = parallel;
  await reader.seek(parallel.endOffset);
  return true;
}

async function readKey(reader: ByteReader): Promise<string> {
  if ((await reader.peek()) !== 34) await reader.expect('"');
  const key = parse(reader, await reader.value(true));
  await reader.expect(':');
  return String(key);
}

async function readSection(reader: ByteReader, sections: Sections, key: string): Promise<void> {
  reader.part = `the part "${key.slice(0, 40)}"`;
  if (key === 'snapshot') sections.layout = layoutOf(reader, parse(reader, await reader.value(true)));
  else if (key === 'nodes') sections.nodes = await readNodes(reader, layoutBefore(reader, sections));
  else if (key === 'edges') sections.edges = await readEdges(reader, layoutBefore(reader, sections));
  else if (key === 'locations') sections.locations = await readLocations(reader, layoutBefore(reader, sections));
  else if (key === 'strings') sections.strings = await readStrings(reader);
  // A foreign file is recognised by its first key, without reading gigabytes of it.
  else if (sections.layout) await reader.value(false);
  else throw reader.corrupt('it does not begin with the key "snapshot"');
}

function layoutBefore(reader: ByteReader, { layout }: Sections): Layout {
  if (!layout) throw reader.corrupt('it does not begin with the key "snapshot"');
  return layout;
}

function parse(reader: ByteReader, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw reader.corrupt(`${reader.part} is not JSON`);
  }
}

type Loose = Record<string, unknown>;
const isObject = (value: unknown): value is Loose => typeof value === 'object' && value !== null;
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function layoutOf(reader: ByteReader, header: unknown): Layout {
  const meta = isObject(header) && isObject(header.meta) ? header.meta : undefined;
  if (!isObject(header) || !meta) throw reader.corrupt('its header has no "meta"');
  const layout = {
    nodeFields: texts(reader, meta, 'node_fields', ['type', 'name', 'id', 'self_size', 'edge_count']),
    edgeFields: texts(reader, meta, 'edge_fields', ['type', 'name_or_index', 'to_node']),
    locationFields: meta.location_fields
      ? texts(reader, meta, 'location_fields', ['object_index', 'script_id', 'line', 'column'])
      : [],
    nodeCount: count(reader, header, 'node_count'),
    edgeCount: count(reader, header, 'edge_count'),
  };
  checkSize(reader, layout.nodeCount, layout.nodeFields.length);
  checkSize(reader, layout.edgeCount, layout.edgeFields.length);
  return {
    ...layout,
    nodeTypes: typeNames(reader, meta, 'node_types', layout.nodeFields.indexOf('type')),
    edgeTypes: typeNames(reader, meta, 'edge_types', layout.edgeFields.indexOf('type')),
  };
}

function texts(reader: ByteReader, meta: Loose, key: string, needed: readonly string[]): string[] {
  const value = meta[key];
  if (!isTexts(value)) throw reader.corrupt(`its header has no "${key}"`);
  const missing = needed.find((name) => !value.includes(name));
  if (missing) throw reader.corrupt(`"${key}" of its header has no "${missing}"`);
  return value;
}

/** The names of the values of the field `type`. */
function typeNames(reader: ByteReader, meta: Loose, key: string, field: number): string[] {
  const types = meta[key];
  const names: unknown = Array.isArray(types) ? types[field] : undefined;
  if (!isTexts(names) || names.length > 256) throw reader.corrupt(`its header has no "${key}"`);
  return names;
}

function count(reader: ByteReader, header: Loose, key: string): number {
  const value = header[key];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < UINT32_MAX) return value;
  throw reader.corrupt(`its header has no "${key}"`);
}

/** Before memory is allocated: a row of the file has at least two bytes a field. */
function checkSize(reader: ByteReader, rows: number, width: number): void {
  if (rows * width * MIN_FIELD_BYTES <= reader.fileBytes) return;
  throw reader.tooShort(`its header promises ${rows} rows of ${width} numbers`);
}

async function readNodes(reader: ByteReader, layout: Layout): Promise<NodeColumns> {
  const { nodeFields: fields, nodeCount, edgeCount, nodeTypes } = layout;
  const nodeType = new Uint8Array(nodeCount);
  const nodeName = new Uint32Array(nodeCount);
  const firstEdge = new Uint32Array(nodeCount + 1);
  const ids = new WideColumn(nodeCount);
  const sizes = new WideColumn(nodeCount);
  const [typeAt, nameAt, idAt, sizeAt, edgesAt] = positions(fields, ['type', 'name', 'id', 'self_size', 'edge_count']);
  const width = fields.length;
  const typeCount = nodeTypes.length;
  let node = 0;
  let edge = 0;
  await readRows(reader, width, (rows, rowCount, wide) => {
    if (node + rowCount > nodeCount) return `there are more than the promised ${nodeCount} nodes`;
    ids.set(node, rows, width, idAt, rowCount, wide);
    sizes.set(node, rows, width, sizeAt, rowCount, wide);
    // What a closure shares is slow to count with.
    let next = edge;
    for (let at = 0, to = node; at < rowCount * width; at += width, to++) {
      const type = rows[at + typeAt]!;
      if (type >= typeCount) return `node ${to} has the unknown type ${type}`;
      nodeType[to] = type;
      nodeName[to] = rows[at + nameAt]!;
      firstEdge[to] = next;
      next += rows[at + edgesAt]!;
      if (next > edgeCount) return `node ${to} has more edges than there are`;
    }
    node += rowCount;
    edge = next;
    return undefined;
  });
  if (node < nodeCount) throw reader.corrupt(`${node} nodes are there of the promised ${nodeCount}`);
  if (edge < edgeCount) throw reader.corrupt(`its nodes have ${edge} edges, not the promised ${edgeCount}`);
  firstEdge[nodeCount] = edge;
  return { nodeType, nodeName, firstEdge, nodeId: ids.values, selfSize: sizes.values };
}

/** 4 bytes a value until one needs 8: V8's ids and nearly all sizes fit, a buffer of 4 GB does not. */
class WideColumn {
  values: Uint32Array | Float64Array;

  constructor(length: number) {
    this.values = new Uint32Array(length);
  }

  /** Values from `index` on, of a sink's rows. */
  set(index: number, rows: Uint32Array, width: number, field: number, count: number, wide: Float64Array | null): void {
    if (wide && wide[field]! > UINT32_MAX && this.values instanceof Uint32Array) {
      this.values = new Float64Array(this.values);
    }
    const { values } = this;
    if (wide) values[index] = wide[field]!;
    else for (let i = 0, at = field; i < count; i++, at += width) values[index + i] = rows[at]!;
  }
}

async function readEdges(reader: ByteReader, layout: Layout): Promise<EdgeColumns> {
  const { edgeFields: fields, edgeCount, edgeTypes, nodeCount } = layout;
  const nodeWidth = layout.nodeFields.length;
  const edgeType = new Uint8Array(edgeCount);
  const edgeName = new Uint32Array(edgeCount);
  const edgeTarget = new Uint32Array(edgeCount);
  const [typeAt, nameAt, targetAt] = positions(fields, ['type', 'name_or_index', 'to_node']);
  const width = fields.length;
  const typeCount = edgeTypes.length;
  const perField = 1 / nodeWidth;
  let edge = 0;
  await readRows(reader, width, (rows, rowCount) => {
    if (edge + rowCount > edgeCount) return `there are more than the promised ${edgeCount} edges`;
    for (let at = 0, to = edge; at < rowCount * width; at += width, to++) {
      const type = rows[at + typeAt]!;
      if (type >= typeCount) return `edge ${to} has the unknown type ${type}`;
      // The file counts fields, not nodes. To multiply by a fraction and to look whether it fits is quicker than to divide.
      const field = rows[at + targetAt]!;
      const target = (field * perField + 0.5) >>> 0;
      if (target >= nodeCount || Math.imul(target, nodeWidth) >>> 0 !== field) return `edge ${to} leads to no node`;
      edgeType[to] = type;
      edgeName[to] = rows[at + nameAt]!;
      edgeTarget[to] = target;
    }
    edge += rowCount;
    return undefined;
  });
  if (edge < edgeCount) throw reader.corrupt(`${edge} edges are there of the promised ${edgeCount}`);
  return { edgeType, edgeName, edgeTarget };
}

function assemble(reader: ByteReader, sections: Sections): HeapSnapshot {
  const { layout, nodes, edges, strings } = sections;
  if (!layout || !nodes || !edges || !strings) {
    const missing = (['nodes', 'edges', 'strings'] as const).find((key) => !sections[key]);
    throw reader.corrupt(`it has no "${missing}"`);
  }
  const locations = sections.locations ?? new Int32Array(0);
  const { nodeTypes, edgeTypes } = layout;
  const columns: Columns = { nodeTypes, edgeTypes, ...nodes, ...edges, locations, strings };
  const { nodeName } = nodes;
  for (let node = 0; node < nodeName.length; node++) {
    if (nodeName[node]! < strings.count) continue;
    throw reader.corrupt(`the name of node ${node} is not among its ${strings.count} strings`);
  }
  return new HeapSnapshot(columns);
}
