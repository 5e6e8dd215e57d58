/**
 * Reads a `.heapsnapshot` file as V8 writes it: one object with the keys `snapshot` (layout and counts), `nodes`, `edges`, `locations`
 * (arrays of integers) and `strings`. The file is never in memory as a whole.
 * Format: https://github.com/v8/v8/blob/main/src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer.
 */
import { requireKind } from '../recording/file-kinds.ts';
import { ByteReader, type OnProgress } from './byte-reader.ts';
import { readRows } from './numbers.ts';
import { type Columns, HeapSnapshot } from './snapshot.ts';
import { readStrings, type StringTable } from './string-table.ts';

const UINT32_MAX = 2 ** 32 - 1;
/** A number and its comma. */
const MIN_FIELD_BYTES = 2;
const END = -1;

/** Options of `readSnapshot`. */
export interface ReadOptions {
  /** Called about once per MB with bytes. */
  onProgress?: OnProgress;
}

/** Reads the file. Throws InputError, a sentence with the byte offset, if it is truncated, corrupt or something else. */
export async function readSnapshot(path: string, options: ReadOptions = {}): Promise<HeapSnapshot> {
  requireKind(path, 'snapshot');
  const reader = await ByteReader.open(path, options.onProgress);
  try {
    return await readSections(reader);
  } finally {
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
}

async function readSections(reader: ByteReader): Promise<HeapSnapshot> {
  const sections: Sections = {};
  await reader.expect('{');
  for (;;) {
    await readSection(reader, sections, await readKey(reader));
    reader.part = 'the space between two parts';
    const byte = await reader.next();
    if (byte === 125) break;
    if (byte === 44) continue;
    reader.at--;
    throw reader.unexpected(byte, "',' or '}'");
  }
  const rest = await reader.peek();
  if (rest !== END) throw reader.corrupt('more follows behind its end');
  return assemble(reader, sections);
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
  let node = 0;
  let edge = 0;
  await readRows(reader, fields.length, (rows, rowCount) => {
    if (node + rowCount > nodeCount) return `there are more than the promised ${nodeCount} nodes`;
    for (let row = 0; row < rowCount; row++, node++) {
      const at = row * fields.length;
      const type = rows[at + typeAt!]!;
      if (!(type >= 0 && type < nodeTypes.length)) return `node ${node} has the unknown type ${type}`;
      const name = rows[at + nameAt!]!;
      if (!(name >= 0 && name <= UINT32_MAX)) return `node ${node} has no name`;
      nodeType[node] = type;
      nodeName[node] = name;
      ids.set(node, rows[at + idAt!]!);
      sizes.set(node, rows[at + sizeAt!]!);
      firstEdge[node] = edge;
      edge += rows[at + edgesAt!]!;
      if (!(rows[at + edgesAt!]! >= 0 && edge <= edgeCount)) return `node ${node} has more edges than there are`;
    }
    return undefined;
  });
  if (node < nodeCount) throw reader.corrupt(`${node} nodes are there of the promised ${nodeCount}`);
  if (edge < edgeCount) throw reader.corrupt(`its nodes have ${edge} edges, not the promised ${edgeCount}`);
  firstEdge[nodeCount] = edge;
  return { nodeType, nodeName, firstEdge, nodeId: ids.values, selfSize: sizes.values };
}

const positions = (fields: readonly string[], names: readonly string[]) => names.map((name) => fields.indexOf(name));

/** 4 bytes a value until one needs 8: V8's ids and nearly all sizes fit, a buffer of 4 GB does not. */
class WideColumn {
  values: Uint32Array | Float64Array;

  constructor(length: number) {
    this.values = new Uint32Array(length);
  }

  set(index: number, value: number): void {
    if (value > UINT32_MAX && this.values instanceof Uint32Array) this.values = new Float64Array(this.values);
    this.values[index] = value;
  }
}

async function readEdges(reader: ByteReader, layout: Layout): Promise<EdgeColumns> {
  const { edgeFields: fields, edgeCount, edgeTypes, nodeCount } = layout;
  const nodeWidth = layout.nodeFields.length;
  const edgeType = new Uint8Array(edgeCount);
  const edgeName = new Uint32Array(edgeCount);
  const edgeTarget = new Uint32Array(edgeCount);
  const [typeAt, nameAt, targetAt] = positions(fields, ['type', 'name_or_index', 'to_node']);
  let edge = 0;
  await readRows(reader, fields.length, (rows, rowCount) => {
    if (edge + rowCount > edgeCount) return `there are more than the promised ${edgeCount} edges`;
    for (let row = 0; row < rowCount; row++, edge++) {
      const at = row * fields.length;
      const type = rows[at + typeAt!]!;
      if (!(type >= 0 && type < edgeTypes.length)) return `edge ${edge} has the unknown type ${type}`;
      // The file counts fields, not nodes.
      const target = rows[at + targetAt!]! / nodeWidth;
      if (!(target >= 0 && target < nodeCount && Number.isInteger(target))) return `edge ${edge} leads to no node`;
      edgeType[edge] = type;
      edgeName[edge] = rows[at + nameAt!]!;
      edgeTarget[edge] = target;
    }
    return undefined;
  });
  if (edge < edgeCount) throw reader.corrupt(`${edge} edges are there of the promised ${edgeCount}`);
  return { edgeType, edgeName, edgeTarget };
}

async function readLocations(reader: ByteReader, layout: Layout): Promise<Int32Array> {
  const { locationFields: fields, nodeCount } = layout;
  const nodeWidth = layout.nodeFields.length;
  const [nodeAt, scriptAt, lineAt, columnAt] = positions(fields, ['object_index', 'script_id', 'line', 'column']);
  let locations = new Int32Array(1 << 14);
  let used = 0;
  if (fields.length === 0) throw reader.corrupt('its header has no "location_fields"');
  await readRows(reader, fields.length, (rows, rowCount) => {
    for (let row = 0; row < rowCount; row++, used += 4) {
      const at = row * fields.length;
      const node = rows[at + nodeAt!]! / nodeWidth;
      if (!(node >= 0 && node < nodeCount && Number.isInteger(node))) return 'a location belongs to no node';
      if (used === locations.length) locations = grown(locations);
      locations[used] = node;
      locations[used + 1] = rows[at + scriptAt!]!;
      locations[used + 2] = rows[at + lineAt!]!;
      locations[used + 3] = rows[at + columnAt!]!;
    }
    return undefined;
  });
  return sortedByNode(locations.slice(0, used));
}

function grown(values: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(values.length * 2);
  wider.set(values);
  return wider;
}

/** V8 writes them in the order of nodes; other files are sorted. */
function sortedByNode(rows: Int32Array): Int32Array {
  let ordered = true;
  for (let at = 4; at < rows.length && ordered; at += 4) ordered = rows[at - 4]! <= rows[at]!;
  if (ordered) return rows;
  const order = Uint32Array.from({ length: rows.length / 4 }, (_, row) => row);
  order.sort((a, b) => rows[a * 4]! - rows[b * 4]!);
  const sorted = new Int32Array(rows.length);
  order.forEach((row, to) => {
    sorted.set(rows.subarray(row * 4, row * 4 + 4), to * 4);
  });
  return sorted;
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
  const nameless = nodes.nodeName.findIndex((name) => name >= strings.count);
  if (nameless !== -1) throw reader.corrupt(`the name of node ${nameless} is not among its ${strings.count} strings`);
  return new HeapSnapshot(columns);
}
