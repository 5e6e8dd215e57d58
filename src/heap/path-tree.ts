/**
 * A shortest path from the roots to every node, along what people would call references. What V8 holds for its own purposes (optimised
 * code, hidden classes, stacks, handles) counts only if there is no other path.
 */
import { weakenEphemerons } from './ephemerons.ts';
import type { HeapSnapshot } from './snapshot.ts';
import type { StringTable } from './string-table.ts';

export const NO_EDGE = 0xffffffff;

/** Every node that can be reached has a parent, except the root. */
export interface PathTree {
  /** The edge that leads to the node; NO_EDGE for the root and for what cannot be reached. */
  parentEdge: Uint32Array;
  /** The node that the edge comes from. */
  parent: Uint32Array;
  /** What was reached, parents before their children. */
  order: Uint32Array;
}

/** Nodes through which a path says nothing about the program. */
const MACHINERY_TYPES = ['code', 'object shape'];
const MACHINERY =
  /^\((Stack roots|Handle scope|Internalized strings|External strings|Compilation cache|Startup object cache|Bootstrapper|Relocatable|Debugger|Builtins|Strong root list|Smi roots|Read-only roots|Eternal handles|Extensions|Code flusher|Micro tasks|Traced handles|Weak roots|Weak global handles|Client heap|Thread manager|Identity map|Retain maps|Write barrier|Client global handles)\)$|^system \/ (FeedbackCell|FeedbackVector|ScopeInfo|SharedFunctionInfo|Script|AllocationSite|Map|DescriptorArray|TransitionArray|PrototypeInfo|WeakFixedArray|WeakArrayList|NativeContext|FunctionTemplateInfo|ObjectTemplateInfo)$|^\(.* code\)$/;
/** Edges from everything to what everything shares, and the back links of Node's lists of timers. */
const SHARED_EDGES = [
  '_idlePrev',
  '__proto__',
  'map',
  'constructor',
  'native_context',
  'feedback_cell',
  'shared',
  'code',
  'prototype',
];

const PARENTHESIS = 40;
/** Of `system /`. */
const LETTER_S = 115;

const NORMAL = 0;
const MACHINE = 1;
const LAST = 2;

/** Breadth first, first along what the program holds, then along the rest. */
export function pathTree(snapshot: HeapSnapshot): PathTree {
  weakenEphemerons(snapshot);
  const { nodeCount, columns } = snapshot;
  const { firstEdge, edgeType, edgeName, edgeTarget, edgeTypes } = columns;
  const parentEdge = new Uint32Array(nodeCount).fill(NO_EDGE);
  const parent = new Uint32Array(nodeCount);
  const order = new Uint32Array(nodeCount);
  const weak = edgeTypes.indexOf('weak');
  const shortcut = edgeTypes.indexOf('shortcut');
  const numbered = new Uint8Array(edgeTypes.map((type) => (type === 'element' || type === 'hidden' ? 1 : 0)));
  const rank = ranks(snapshot);
  const shared = flags(columns.strings.count, columns.strings.find(SHARED_EDGES).values());
  const later: number[][] = [[], [], []];
  const queued = new Uint8Array(nodeCount);
  let reached = 1;
  let next = 0;
  const root = 0;
  const take = (from: number, edge: number, to: number): void => {
    parentEdge[to] = edge;
    parent[to] = from;
    order[reached++] = to;
  };
  const expand = (level: number): void => {
    for (; next < reached; next++) {
      const node = order[next]!;
      const own = rank[node]!;
      const end = firstEdge[node + 1]!;
      for (let edge = firstEdge[node]!; edge < end; edge++) {
        const type = edgeType[edge]!;
        const to = edgeTarget[edge]!;
        if (parentEdge[to] !== NO_EDGE || to === root || type === weak) continue;
        if (type === shortcut && node !== root) continue;
        let cost = own;
        if (cost === NORMAL && numbered[type] === 0 && shared[edgeName[edge]!] === 1) cost = MACHINE;
        if (cost <= level) take(node, edge, to);
        else if (queued[to]! < LAST + 1 - cost) {
          // Once for each level: all objects lead to the same few prototypes and maps.
          queued[to] = LAST + 1 - cost;
          later[cost]!.push(node, edge);
        }
      }
    }
  };
  expand(NORMAL);
  for (const level of [MACHINE, LAST]) {
    // What is found meanwhile at a lower cost still comes first.
    const waiting = later[level]!;
    for (let at = 0; at < waiting.length; at += 2) {
      const edge = waiting[at + 1]!;
      const to = edgeTarget[edge]!;
      if (parentEdge[to] !== NO_EDGE || to === root) continue;
      take(waiting[at]!, edge, to);
      expand(NORMAL);
    }
  }
  return { parentEdge, parent, order: order.subarray(0, reached) };
}

/** How much the edges out of each node count. */
function ranks(snapshot: HeapSnapshot): Uint8Array {
  const { nodeType, nodeName, nodeTypes, strings } = snapshot.columns;
  const types = new Uint8Array(nodeTypes.map((type) => (MACHINERY_TYPES.includes(type) ? MACHINE : NORMAL)));
  const names = new Int8Array(strings.count).fill(-1);
  const rank = new Uint8Array(snapshot.nodeCount);
  const hidden = ['hidden', 'synthetic', 'native', 'code', 'array', 'object shape', 'object'].map((type) =>
    nodeTypes.indexOf(type),
  );
  const synthetic = nodeTypes.indexOf('synthetic');
  const maybe = new Uint8Array(256);
  for (const type of hidden) if (type >= 0) maybe[type] = 1;
  for (let node = 1; node < snapshot.nodeCount; node++) {
    const type = nodeType[node]!;
    rank[node] = types[type]!;
    if (maybe[type] === 0) continue;
    const name = nodeName[node]!;
    if (names[name] === -1) names[name] = isMachinery(strings, name) ? 1 : 0;
    if (names[name] === 1) rank[node] = type === synthetic ? LAST : MACHINE;
  }
  return rank;
}

/** To decode all names takes longer than all the rest: few begin like these. */
function isMachinery(strings: StringTable, name: number): boolean {
  const first = strings.firstByte(name);
  return (first === PARENTHESIS || first === LETTER_S) && MACHINERY.test(strings.at(name).slice(0, 200));
}

function flags(length: number, indexes: Iterable<number>): Uint8Array {
  const set = new Uint8Array(length);
  for (const index of indexes) set[index] = 1;
  return set;
}
