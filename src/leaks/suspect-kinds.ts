/** Objects that are suspicious by their kind. */
import { dominators } from '../heap/dominators.ts';
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { suspendedCalls } from '../heap/suspended-calls.ts';
import type { Holder, Holders } from './holders.ts';
import type { HolderKind } from './types.ts';

/** Of one kind at one place. Node warns at the 11th listener; servers have some dozens for good reasons. */
const MIN_LISTENERS = 50;
const MIN_TIMERS = 100;
const MIN_CALLS = 100;
/** vm contexts besides the program's own; a pool of workers in one thread has few. */
const MIN_CONTEXTS = 5;
/** Copies of one text. */
const MIN_COPIES = 100;
const MIN_WASTED_BYTES = 1e6;
/** V8 cuts the texts in a snapshot off at 1024 characters: of longer ones only the beginning is known to be equal. */
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

/** Arrays of an emitter's listeners of one event. */
export function listenerLists(snapshot: HeapSnapshot): Found[] {
  const { retained } = dominators(snapshot);
  const wanted = snapshot.columns.strings.find(['_events']).get('_events');
  const found: Found[] = [];
  if (wanted === undefined) return found;
  for (const edge of snapshot.edgesNamed(wanted)) {
    if (snapshot.edgeType(edge) !== 'property') continue;
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
export function abortListeners(snapshot: HeapSnapshot, { order, parent }: PathTree): Found[] {
  const { retained } = dominators(snapshot);
  const { nodeName, nodeType, nodeTypes, strings } = snapshot.columns;
  const wanted = strings.find(['Listener']).get('Listener');
  const object = nodeTypes.indexOf('object');
  const first = new Map<number, number>();
  const counts = new Map<number, number>();
  // Most programs have few: there is no need to look at all nodes in the order of the tree.
  if (wanted === undefined || snapshot.nodesNamed(wanted).length < MIN_LISTENERS) return [];
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

export function timers(snapshot: HeapSnapshot, holders: Holders): Found[] {
  return byFunction(
    nodesNamed(snapshot, 'Timeout').map((node) => ({ node, closure: holders.userFunctionNear(node) })),
    snapshot,
    holders,
    { kind: 'timers', least: MIN_TIMERS },
  );
}

export function calls(snapshot: HeapSnapshot): Found[] {
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

export function contexts(snapshot: HeapSnapshot): Found[] {
  const { retained } = dominators(snapshot);
  const [, ...others] = nodesNamed(snapshot, 'system / NativeContext');
  if (others.length < MIN_CONTEXTS) return [];
  const bytes = others.reduce((total, node) => total + retained[node]!, 0);
  return [{ kind: 'contexts', className: 'vm context', count: others.length, bytes, sample: others[0]! }];
}

/** Equal texts have one name in the file, however many strings have it. */
export function duplicates(snapshot: HeapSnapshot): Found[] {
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
  if (wanted === undefined) return [];
  return snapshot.nodesNamed(wanted).filter((node) => /^(object|hidden)$/.test(snapshot.nodeType(node)));
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
