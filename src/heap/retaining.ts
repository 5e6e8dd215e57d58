/** What holds an object, and which scopes belong to a call. */
import type { HeapGraph } from './heap-graph.ts';
import { reactionsOf } from './promise-graph.ts';

const NONE = -1;
/** An object with this many holders (a module's scope, a prototype) says nothing about one promise. */
const MAX_RETAINERS = 200_000;
/** Names of a scope that belongs to a call. */
const MAX_SCOPE_HOLDERS = 2000;
const MAX_SCOPES = 32;
/** V8's own objects that hold functions, and never call them. */
const COMPILED = ['code', 'object shape'];

/** The edge and the node it belongs to. */
export interface Holder {
  edge: number;
  node: number;
}

/** How many edges lead to a node: cheap, unlike `holdersOf`. */
export function holderCount(graph: HeapGraph, node: number): number {
  const { first } = graph.snapshot.retainers;
  return first[node + 1]! - first[node]!;
}

/** The strong holders of a node, without V8's compiled code and maps; none if they are too many. */
export function holdersOf(graph: HeapGraph, node: number): Holder[] {
  const { snapshot } = graph;
  const { first, edges } = snapshot.retainers;
  const holders: Holder[] = [];
  if (holderCount(graph, node) > MAX_RETAINERS) return holders;
  for (let at = first[node]!; at < first[node + 1]!; at++) {
    const edge = edges[at]!;
    if (graph.isWeak(edge)) continue;
    const source = snapshot.edgeSource(edge);
    if (source !== node && !COMPILED.includes(snapshot.nodeType(source))) holders.push({ edge, node: source });
  }
  return holders;
}

const reactionOwners = new WeakMap<HeapGraph, Map<number, number>>();

/** The promise that the reaction waits for. Remembers the whole list, so that a shared promise costs once. */
export function promiseOfReaction(graph: HeapGraph, reaction: number): number {
  const known = reactionOwners.get(graph) ?? new Map<number, number>();
  reactionOwners.set(graph, known);
  const seen = new Set<number>();
  for (let node = reaction; node !== NONE && !known.has(reaction) && !seen.has(node); ) {
    seen.add(node);
    const holders = holdersOf(graph, node);
    const promise = holders.find(({ edge }) => graph.hasName(edge, 'reactions_or_result'))?.node;
    if (promise !== undefined) for (const each of reactionsOf(graph, promise)) known.set(each, promise);
    node = holders.find((holder) => graph.isNamed(holder.node, 'system / PromiseReaction'))?.node ?? NONE;
  }
  return known.get(reaction) ?? NONE;
}

/** The scopes that a call made itself: from its current one outwards to the one in which its function was made. */
function ownScopes(graph: HeapGraph, call: number): number[] {
  const outer = graph.follow(graph.follow(call, 'function'), 'context');
  const scopes: number[] = [];
  let scope = graph.follow(call, 'context');
  while (scope !== outer && graph.isContext(scope) && scopes.length < MAX_SCOPES) {
    scopes.push(scope);
    scope = graph.follow(scope, 'previous');
  }
  return scopes;
}

/** The call with these registers, or this own scope; undefined if the holder is something else. */
export function callAt(graph: HeapGraph, held: number, { edge, node }: Holder): number | undefined {
  if (graph.hasName(edge, 'parameters_and_registers')) return node;
  const isCall = graph.isCall(node);
  if (!isCall || !graph.hasName(edge, 'context')) return undefined;
  return ownScopes(graph, node).includes(held) ? node : undefined;
}

/** The scope that a scope of a call is inside of belongs to the call too, down to the one its function was made in. */
export function callOfScope(graph: HeapGraph, scope: number): number[] {
  const calls: number[] = [];
  const seen = new Set([scope]);
  for (const inner of seen) {
    if (seen.size > MAX_SCOPES) break;
    if (holderCount(graph, inner) > MAX_SCOPE_HOLDERS) continue;
    for (const holder of holdersOf(graph, inner)) {
      const call = callAt(graph, scope, holder) ?? callAt(graph, inner, holder);
      if (call !== undefined && ownScopes(graph, call).includes(scope)) calls.push(call);
      if (graph.isContext(holder.node) && graph.hasName(holder.edge, 'previous')) seen.add(holder.node);
    }
  }
  return calls;
}

/** Where a promise can get its value from, by the way it was made. */
export interface Origins {
  /** Generator objects: it is the result of these calls. */
  calls: number[];
  /** It settles after these; 'all': only after all of them. */
  promises: { promise: number; how: 'one' | 'all' }[];
  /** Functions that settle it, still in the heap. */
  resolvers: number[];
  /** Other holders, which may be a native operation that will settle it. */
  others: Holder[];
}

/** Examines what holds the promise, in V8's layout. Functions that only its own reactions hold are not included. */
export function originsOf(graph: HeapGraph, promise: number): Origins {
  const origins: Origins = { calls: [], promises: [], resolvers: [], others: [] };
  for (const holder of holdersOf(graph, promise)) {
    if (graph.isHidden(holder.edge)) addHiddenOrigin(graph, holder.node, origins);
    else origins.others.push(holder);
  }
  return origins;
}

function addHiddenOrigin(graph: HeapGraph, node: number, origins: Origins): void {
  if (graph.isNamed(node, 'system / PromiseReaction')) addPromise(graph, node, 'one', origins);
  else if (graph.isNamed(node, 'system / AsyncGeneratorRequest')) origins.calls.push(...callsOfRequest(graph, node));
  else if (graph.isNamed(node, 'system / PromiseCapability')) addCapability(graph, node, origins);
  else if (graph.isContext(node)) origins.resolvers.push(...functionsIn(graph, node));
  else if (graph.isCall(node)) origins.calls.push(node);
  else origins.others.push({ edge: NONE, node });
}

function addPromise(graph: HeapGraph, reaction: number, how: 'one' | 'all', origins: Origins): void {
  const promise = promiseOfReaction(graph, reaction);
  if (promise !== NONE) origins.promises.push({ promise, how });
}

/** The functions that were made in this scope. */
const functionsIn = (graph: HeapGraph, scope: number) =>
  holdersOf(graph, scope)
    .filter(({ edge, node }) => graph.hasName(edge, 'context') && graph.isClosure(node))
    .map(({ node }) => node);

/** A capability is held by the reaction of a derived promise, or by the scope that the elements of Promise.all share. */
function addCapability(graph: HeapGraph, capability: number, origins: Origins): void {
  for (const { node } of holdersOf(graph, capability)) {
    if (graph.isNamed(node, 'system / PromiseReaction')) addPromise(graph, node, 'one', origins);
    else if (graph.isContext(node)) addElements(graph, node, origins);
  }
}

function addElements(graph: HeapGraph, scope: number, origins: Origins): void {
  for (const element of functionsIn(graph, scope)) {
    const how = graph.builtin(element) === 'all' ? 'all' : 'one';
    for (const { node } of holdersOf(graph, element)) {
      if (graph.isNamed(node, 'system / PromiseReaction')) addPromise(graph, node, how, origins);
    }
  }
}

/** Up the queue of requests to the generator. */
function callsOfRequest(graph: HeapGraph, request: number): number[] {
  const seen = new Set([request]);
  const calls = new Set<number>();
  for (const each of seen) {
    for (const { node } of holdersOf(graph, each)) {
      if (graph.isNamed(node, 'system / AsyncGeneratorRequest')) seen.add(node);
      else if (graph.isCall(node)) calls.add(node);
    }
  }
  return [...calls];
}

/** A reaction through which an element of Promise.all is awaited; its rejecting function does not count as another way to settle. */
export function isElementOfAll(graph: HeapGraph, reaction: number): boolean {
  return graph.hiddenTargets(reaction).some((target) => graph.builtin(target) === 'all');
}
