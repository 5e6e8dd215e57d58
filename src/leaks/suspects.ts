/** What one snapshot alone gives reason to look at. It cannot tell what grows from what is large by design. */
import { dominators, UNREACHED } from '../heap/dominators.ts';
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { suspendedCalls } from '../heap/suspended-calls.ts';
import { type Holder, Holders } from './holders.ts';
import type { HolderKind } from './types.ts';

/** Share of the heap, and bytes, from which a holder is told: MAT's dominator report begins at a tenth, twenty at 5 % is all there can be. */
const MIN_SHARE = 0.05;
const MIN_BYTES = 1e6;
/** Of its bytes that one thing it holds may have: otherwise that is the holder. */
const MAX_CHILD_SHARE = 0.5;
/** Of one kind at one place. Node warns of the 11th listener; servers have some dozens with reason. */
const MIN_LISTENERS = 50;
const MIN_TIMERS = 100;
const MIN_CALLS = 100;
/** vm contexts besides the program's own; a pool of workers in one thread has few. */
const MIN_CONTEXTS = 5;
/** Copies of one text. */
const MIN_COPIES = 100;
const MIN_WASTED_BYTES = 1e6;
/** V8 cuts the texts in a snapshot off at 1024 characters: longer ones only begin alike. */
const MAX_TEXT = 1000;
const MAX_EACH = 10;

/** Something to look at, before it is put into words. */
export interface Found {
  kind: HolderKind | null;
  className: string;
  count: number;
  bytes: number;
  /** One of the things. */
  sample: number;
  holder?: Holder;
  /** A function whose place is that of the finding. */
  closure?: number;
}

export function findSuspects(
  snapshot: HeapSnapshot,
  tree: PathTree,
): { found: (Found & { holder: Holder })[]; holders: Holders } {
  const holders = new Holders(snapshot, tree);
  const all = [
    ...largeHolders(snapshot, tree),
    ...listenerLists(snapshot),
    ...abortListeners(snapshot, tree),
    ...timers(snapshot, holders),
    ...calls(snapshot),
    ...contexts(snapshot),
    ...duplicates(snapshot),
  ];
  const chains = all.map(({ sample }) => holders.chainOf(sample));
  holders.prepare(chains);
  const found = all.map((each, i) => ({ ...each, holder: holders.holderOf(chains[i]!, 0) }));
  return { found: found.filter((each) => !isBuiltIn(each, holders)), holders };
}

/** What Node itself keeps is no news: its own code, its caches of modules. */
function isBuiltIn({ kind, holder }: Found & { holder: Holder }, { graph }: Holders): boolean {
  if (holder.isOwn) return true;
  if (kind !== null && kind !== 'strings') return false;
  if (holder.kind === 'module-cache' || holder.place?.file.startsWith('node:')) return true;
  return holder.kind === 'handles' && graph.snapshot.nodeType(holder.node) !== 'object';
}

/** Nodes that dominate much and nothing below them most of it. */
function largeHolders(snapshot: HeapSnapshot, tree: PathTree): Found[] {
  const { dominator, retained } = dominators(snapshot);
  const least = Math.max(MIN_BYTES, MIN_SHARE * retained[0]!);
  const largest = new Map<number, number>();
  for (let node = 1; node < snapshot.nodeCount; node++) {
    if (retained[node]! < least || dominator[node] === UNREACHED) continue;
    if (!largest.has(node)) largest.set(node, 0);
    const owner = dominator[node]!;
    if (retained[node]! > (largest.get(owner) ?? 0)) largest.set(owner, retained[node]!);
  }
  const candidates = [...largest].filter(
    ([node, child]) => isHolder(snapshot, node) && child < MAX_CHILD_SHARE * retained[node]!,
  );
  // A table inside a Map is the Map's.
  const owners = new Map(candidates.map(([node]) => [node, outOfTables(snapshot, node, dominator)]));
  return contentsOf(snapshot, dominator, retained, owners).map(({ owner, className, count, sample }) => ({
    kind: null,
    className,
    count,
    bytes: retained[owner]!,
    sample: tree.order.length > 0 ? sample : owner,
  }));
}

function isHolder(snapshot: HeapSnapshot, node: number): boolean {
  return /^(object|closure|array)$/.test(snapshot.nodeType(node));
}

function outOfTables(snapshot: HeapSnapshot, node: number, dominator: Uint32Array): number {
  let at = node;
  while (at !== 0 && snapshot.nodeType(at) === 'array') at = dominator[at]!;
  return at;
}

interface Contents {
  owner: number;
  className: string;
  count: number;
  sample: number;
}

/** What each of these dominates at once, by constructor: the one with the most bytes. */
function contentsOf(
  snapshot: HeapSnapshot,
  dominator: Uint32Array,
  retained: Float64Array,
  owners: Map<number, number>,
): Contents[] {
  const { nodeType, nodeTypes } = snapshot.columns;
  const table = nodeTypes.indexOf('array');
  const object = nodeTypes.indexOf('object');
  const classes = new Map<number, Map<string, { count: number; bytes: number; sample: number }>>();
  // A look into an array for each of millions of nodes, into the Map only for those that count.
  const isOwner = new Uint8Array(snapshot.nodeCount);
  for (const [inner, owner] of owners) {
    if (owner === 0) continue;
    if (!classes.has(owner)) classes.set(owner, new Map());
    classes.set(inner, classes.get(owner)!);
    isOwner[owner] = isOwner[inner] = 1;
  }
  for (let node = 1; node < snapshot.nodeCount; node++) {
    let above = dominator[node]!;
    if (above === UNREACHED || nodeType[node] === table) continue;
    while (isOwner[above] === 0 && above !== 0 && nodeType[above] === table) above = dominator[above]!;
    if (isOwner[above] === 0) continue;
    const counts = classes.get(above)!;
    const name = nodeType[node] === object ? snapshot.nodeName(node).slice(0, 100) : snapshot.nodeType(node);
    const known = counts.get(name) ?? { count: 0, bytes: 0, sample: node };
    counts.set(name, known);
    known.count++;
    known.bytes += retained[node]!;
  }
  return [...new Set(owners.values())].flatMap((owner) => {
    const [best] = [...(classes.get(owner) ?? [])].sort(([, a], [, b]) => b.bytes - a.bytes);
    return best
      ? [{ owner, className: best[0].replace(/^system \/ /, ''), count: best[1].count, sample: best[1].sample }]
      : [];
  });
}

/** Arrays of an emitter's listeners of one event. */
function listenerLists(snapshot: HeapSnapshot): Found[] {
  const { edgeName, strings } = snapshot.columns;
  const { retained } = dominators(snapshot);
  const wanted = strings.find(['_events']).get('_events');
  const found: Found[] = [];
  if (wanted === undefined) return found;
  for (let edge = 0; edge < edgeName.length; edge++) {
    if (edgeName[edge] !== wanted || snapshot.edgeType(edge) !== 'property') continue;
    const events = snapshot.edgeTarget(edge);
    for (let at = snapshot.firstEdge(events); at < snapshot.firstEdge(events + 1); at++) {
      const list = snapshot.edgeTarget(at);
      const elements = elementsOf(snapshot, list);
      if (snapshot.edgeType(at) !== 'property' || elements.length < MIN_LISTENERS) continue;
      found.push({
        kind: 'listeners',
        className: 'function',
        count: elements.length,
        bytes: retained[list]!,
        sample: elements[0]!,
      });
    }
  }
  return most(found);
}

function elementsOf(snapshot: HeapSnapshot, node: number): number[] {
  const elements: number[] = [];
  if (snapshot.nodeName(node) !== 'Array') return elements;
  for (let edge = snapshot.firstEdge(node); edge < snapshot.firstEdge(node + 1); edge++) {
    if (snapshot.edgeType(edge) === 'element') elements.push(snapshot.edgeTarget(edge));
  }
  return elements;
}

/** Listeners of event targets are chained: their number by the first of the chain. */
function abortListeners(snapshot: HeapSnapshot, { order, parent }: PathTree): Found[] {
  const { retained } = dominators(snapshot);
  const { nodeName, nodeType, nodeTypes, strings } = snapshot.columns;
  const wanted = strings.find(['Listener']).get('Listener');
  const object = nodeTypes.indexOf('object');
  const first = new Map<number, number>();
  const counts = new Map<number, number>();
  if (wanted === undefined) return [];
  for (const node of order) {
    if (nodeName[node] !== wanted || nodeType[node] !== object) continue;
    const head = first.get(parent[node]!) ?? node;
    first.set(node, head);
    counts.set(head, (counts.get(head) ?? 0) + 1);
  }
  const many = [...counts].filter(([, count]) => count >= MIN_LISTENERS);
  return most(
    many.map(([node, count]) => ({
      kind: 'listeners',
      className: 'Listener',
      count,
      bytes: retained[node]!,
      sample: node,
    })),
  );
}

function timers(snapshot: HeapSnapshot, holders: Holders): Found[] {
  return byFunction(
    nodesNamed(snapshot, 'Timeout').map((node) => ({ node, closure: holders.userFunctionNear(node) })),
    snapshot,
    holders,
    { kind: 'timers', least: MIN_TIMERS },
  );
}

function calls(snapshot: HeapSnapshot): Found[] {
  const groups = new Map<string, Found>();
  const { retained } = dominators(snapshot);
  for (const { node, functionNode, functionName, url, line, column } of suspendedCalls(snapshot)) {
    const key = `${url}:${line}:${column}`;
    const known = groups.get(key);
    if (known) {
      known.count++;
      known.bytes += retained[node]!;
    } else {
      const className = `call of ${functionName || '(anonymous)'}`;
      groups.set(key, {
        kind: 'suspended-calls',
        className,
        count: 1,
        bytes: retained[node]!,
        sample: node,
        closure: functionNode,
      });
    }
  }
  return most([...groups.values()].filter(({ count }) => count >= MIN_CALLS));
}

function contexts(snapshot: HeapSnapshot): Found[] {
  const { retained } = dominators(snapshot);
  const [, ...others] = nodesNamed(snapshot, 'system / NativeContext');
  if (others.length < MIN_CONTEXTS) return [];
  const bytes = others.reduce((total, node) => total + retained[node]!, 0);
  return [{ kind: 'contexts', className: 'vm context', count: others.length, bytes, sample: others[0]! }];
}

/** Equal texts have one name in the file, whatever number of strings have it. */
function duplicates(snapshot: HeapSnapshot): Found[] {
  const { nodeType, nodeName, nodeTypes, selfSize, strings } = snapshot.columns;
  const string = nodeTypes.indexOf('string');
  const counts = new Uint32Array(strings.count);
  const bytes = new Float64Array(strings.count);
  const samples = new Uint32Array(strings.count);
  for (let node = 0; node < nodeType.length; node++) {
    if (nodeType[node] !== string) continue;
    const name = nodeName[node]!;
    counts[name]!++;
    bytes[name]! += selfSize[node]!;
    samples[name] = node;
  }
  const found: Found[] = [];
  for (let name = 0; name < counts.length; name++) {
    const count = counts[name]!;
    const wasted = (bytes[name]! * (count - 1)) / Math.max(1, count);
    if (count < MIN_COPIES || wasted < MIN_WASTED_BYTES || strings.byteLength(name) > MAX_TEXT) continue;
    found.push({ kind: 'strings', className: 'string', count, bytes: wasted, sample: samples[name]! });
  }
  return most(found);
}

const most = (found: Found[]): Found[] => found.sort((a, b) => b.bytes - a.bytes).slice(0, MAX_EACH);

function nodesNamed(snapshot: HeapSnapshot, name: string): number[] {
  const wanted = snapshot.columns.strings.find([name]).get(name);
  const nodes: number[] = [];
  if (wanted === undefined) return nodes;
  const { nodeName } = snapshot.columns;
  for (let node = 0; node < nodeName.length; node++) {
    if (nodeName[node] === wanted && /^(object|hidden)$/.test(snapshot.nodeType(node))) nodes.push(node);
  }
  return nodes;
}

function byFunction(
  things: readonly { node: number; closure: number }[],
  snapshot: HeapSnapshot,
  { graph }: Holders,
  { kind, least }: { kind: HolderKind; least: number },
): Found[] {
  const { retained } = dominators(snapshot);
  const groups = new Map<string, Found>();
  for (const { node, closure } of things) {
    const { url, line, column } = graph.place(closure);
    const key = `${url}:${line}:${column}`;
    const known = groups.get(key);
    if (known) {
      known.count++;
      known.bytes += retained[node]!;
    } else
      groups.set(key, {
        kind,
        className: snapshot.nodeName(node),
        count: 1,
        bytes: retained[node]!,
        sample: node,
        closure,
      });
  }
  return most([...groups.values()].filter(({ count }) => count >= least));
}
