/** A V8 heap snapshot in memory: columns of typed arrays, about as large as its file. */
import type { StringTable } from './string-table.ts';

/** Where a function begins in its script. */
export interface Location {
  scriptId: number;
  /** 1-based. */
  line: number;
  /** 1-based. */
  column: number;
}

/** What the reader fills; one entry per node, edge or location. */
export interface Columns {
  nodeTypes: readonly string[];
  edgeTypes: readonly string[];
  nodeType: Uint8Array;
  nodeName: Uint32Array;
  /** Wide only if a value needs it. */
  nodeId: Uint32Array | Float64Array;
  selfSize: Uint32Array | Float64Array;
  /** One entry more than nodes: the edges of node i are firstEdge[i] … firstEdge[i + 1] - 1. */
  firstEdge: Uint32Array;
  edgeType: Uint8Array;
  edgeName: Uint32Array;
  edgeTarget: Uint32Array;
  /** Rows of node index, script id, line and column (both 0-based, as in the file), sorted by node. */
  locations: Int32Array;
  strings: StringTable;
}

const LOCATION_WIDTH = 4;
/** Types of edges whose number is an element's index, no string. */
const INDEXED = ['element', 'hidden'];

/** Nodes and edges are numbers from 0. Nothing is kept per node besides the columns. */
export class HeapSnapshot {
  readonly nodeCount: number;
  readonly edgeCount: number;
  /** For loops over all nodes or edges; `nodeTypes[columns.nodeType[i]]` is `nodeType(i)`. */
  readonly columns: Columns;
  #indexed: boolean[];
  #ids: Uint32Array | undefined;
  #retainers: Retainers | undefined;

  constructor(columns: Columns) {
    this.columns = columns;
    this.nodeCount = columns.nodeType.length;
    this.edgeCount = columns.edgeType.length;
    this.#indexed = columns.edgeTypes.map((type) => INDEXED.includes(type));
  }

  /** V8's word: 'object', 'closure', 'native', 'hidden' … */
  nodeType(node: number): string {
    return this.columns.nodeTypes[this.columns.nodeType[node]!] ?? '';
  }

  /** The nodes with this string as their name; none for -1. */
  nodesNamed(name: number): number[] {
    return placesOf(this.columns.nodeName, name);
  }

  nodeName(node: number): string {
    return this.columns.strings.at(this.columns.nodeName[node]!);
  }

  /** The id that stays the same between snapshots of one process. */
  nodeId(node: number): number {
    return this.columns.nodeId[node]!;
  }

  /** Bytes. */
  selfSize(node: number): number {
    return this.columns.selfSize[node]!;
  }

  /** The first of the node's edges; `firstEdge(node + 1)` is the first that is no longer its own. */
  firstEdge(node: number): number {
    return this.columns.firstEdge[node]!;
  }

  /** V8's word: 'context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'. */
  edgeType(edge: number): string {
    return this.columns.edgeTypes[this.columns.edgeType[edge]!] ?? '';
  }

  /** Index into the strings, or of the element, as the edge's type says. */
  edgeNameOrIndex(edge: number): number {
    return this.columns.edgeName[edge]!;
  }

  /** The name, or the index as text. */
  edgeName(edge: number): string {
    const name = this.columns.edgeName[edge]!;
    return this.#indexed[this.columns.edgeType[edge]!] ? String(name) : this.columns.strings.at(name);
  }

  /** The edges with this string as their name, and those whose number is the same; none for -1. */
  edgesNamed(name: number): number[] {
    return placesOf(this.columns.edgeName, name);
  }

  edgeTarget(edge: number): number {
    return this.columns.edgeTarget[edge]!;
  }

  /** The node that the edge belongs to: the last one whose first edge is not after it. */
  edgeSource(edge: number): number {
    const { firstEdge } = this.columns;
    let low = 0;
    let high = this.nodeCount;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (firstEdge[middle]! <= edge) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The edges that lead to nodes. Built on first use: 4 bytes an edge and a node. */
  get retainers(): Retainers {
    this.#retainers ??= retainersOf(this.columns, this.nodeCount);
    return this.#retainers;
  }

  /** The node with this id, or -1. Builds a table on first use. */
  indexOfId(id: number): number {
    this.#ids ??= idTable(this.columns.nodeId);
    return slotOf(this.#ids, this.columns.nodeId, id);
  }

  /** Where the function of a closure (or the constructor of an object) begins, if V8 has it. */
  location(node: number): Location | undefined {
    const { locations } = this.columns;
    let low = 0;
    let high = locations.length / LOCATION_WIDTH;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (locations[middle * LOCATION_WIDTH]! < node) low = middle + 1;
      else high = middle;
    }
    const row = low * LOCATION_WIDTH;
    if (locations[row] !== node) return undefined;
    return { scriptId: locations[row + 1]!, line: locations[row + 2]! + 1, column: locations[row + 3]! + 1 };
  }
}

/** By the search of V8's own, which is several times as fast as a loop. */
function placesOf(values: Uint32Array, wanted: number): number[] {
  const places: number[] = [];
  for (let at = values.indexOf(wanted); at >= 0; at = values.indexOf(wanted, at + 1)) places.push(at);
  return places;
}

/** Edges by target: `edges[first[node]] … edges[first[node + 1] - 1]` lead to the node. */
export interface Retainers {
  first: Uint32Array;
  edges: Uint32Array;
}

/** A counting sort: how many lead to each node, then each to its place. */
function retainersOf({ edgeTarget }: Columns, nodeCount: number): Retainers {
  const first = new Uint32Array(nodeCount + 1);
  for (let edge = 0; edge < edgeTarget.length; edge++) first[edgeTarget[edge]!]!++;
  for (let node = 1; node <= nodeCount; node++) first[node]! += first[node - 1]!;
  const edges = new Uint32Array(edgeTarget.length);
  // Backwards: each first[] moves from after its last edge to its first, and edges stay in order.
  for (let edge = edgeTarget.length - 1; edge >= 0; edge--) {
    const place = --first[edgeTarget[edge]!]!;
    edges[place] = edge;
  }
  return { first, edges };
}

/** Finds places in a list of ids. Open addressing, place + 1 in each slot. */
export function idTable(ids: ArrayLike<number>): Uint32Array {
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(ids.length * 1.5 + 2)));
  const mask = table.length - 1;
  for (let node = 0; node < ids.length; node++) {
    let slot = hash(ids[node]!) & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = node + 1;
  }
  return table;
}

/** The place of the id in the list that the table was made from; -1 if it is not there. */
export function slotOf(table: Uint32Array, ids: ArrayLike<number>, id: number): number {
  const mask = table.length - 1;
  for (let slot = hash(id) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
    const place = table[slot]! - 1;
    if (ids[place] === id) return place;
  }
  return -1;
}

const hash = (id: number) => Math.imul(id | 0, 0x9e3779b1) >>> 7;
