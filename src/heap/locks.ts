/**
 * Locks, seen from outside: an object with a queue of resolving functions. Who holds one is known only by what the lock itself hands
 * out: a function made inside of it that nobody but a suspended call has, or a call of one of its methods that has got past the queue.
 */
import { type HeapGraph, isGlobal } from './heap-graph.ts';
import {
  callAt,
  callOfScope,
  type Holder,
  holderCount,
  holdersOf,
  isElementOfAll,
  promiseOfReaction,
} from './retaining.ts';
import { isProperty, isVariable, ownerNames } from './variable-names.ts';

const NONE = -1;
/** Nodes that are examined to find who has a function. */
const MAX_NODES = 400;
/** If more than this many have it, it is not private to a few calls. */
const MAX_HOLDERS = 1000;
/** Scopes inside of a lock's scope, or of the scope that knows the lock. */
const MAX_INNER_SCOPES = 1_000_000;
const MAX_CHAIN = 16;
/** A queue made of linked objects is climbed to its head. */
const MAX_LINKS = 200_000;
const QUEUE = /node|queue|list|deque|heap|fifo|stack|ring|entry|item/i;
const COLLECTIONS = ['Array', 'Set', 'Map'];
const WEAK = /^(Weak(Map|Set|Ref|Cell)|FinalizationRegistry|system \/ Weak\w+)$/;

/** Who can reach a function. */
export interface Holding {
  /** Generator objects that have it in their registers or own scopes. */
  calls: Set<number>;
  /** A handler has it: it may be called once these have settled. */
  promises: Set<number>;
  /** Arrays, Sets, Maps and linked lists. */
  collections: Set<number>;
  /** Anything else: a timer, an emitter, a variable of a module, a native operation. */
  elsewhere: boolean;
}

/** Walks from a function outwards until it has an answer or gives up ('elsewhere'). */
export function holdingOf(graph: HeapGraph, closure: number): Holding {
  const holding: Holding = { calls: new Set(), promises: new Set(), collections: new Set(), elsewhere: false };
  const seen = new Set([closure]);
  for (const node of seen) {
    if (seen.size > MAX_NODES || holderCount(graph, node) > MAX_HOLDERS) holding.elsewhere = true;
    if (holding.elsewhere) break;
    for (const holder of holdersOf(graph, node)) {
      if (visit(graph, node, holder, holding)) seen.add(holder.node);
    }
    if (graph.isContext(node)) for (const call of callOfScope(graph, node)) holding.calls.add(call);
  }
  return holding;
}

/** Records what the holder shows; true if the holder's own holders must be examined. */
function visit(graph: HeapGraph, node: number, holder: Holder, holding: Holding): boolean {
  const name = graph.snapshot.nodeName(holder.node);
  // It was the value that a promise settled with: that does not mean that the resolver has it.
  if (graph.isHidden(holder.edge) && graph.isPromise(node)) return false;
  if (graph.isNamed(holder.node, 'system / PromiseReaction')) {
    addReaction(graph, node, holder.node, holding);
    return false;
  }
  if (graph.isNamed(holder.node, 'system / PromiseCapability') || WEAK.test(name)) return false;
  if (graph.isCall(holder.node)) {
    const call = callAt(graph, node, holder);
    if (call !== undefined) holding.calls.add(call);
    return false;
  }
  if (isOutermost(graph, holder.node)) {
    holding.elsewhere = true;
    return false;
  }
  if (!isCollection(graph, holder.node)) return true;
  holding.collections.add(holder.node);
  return false;
}

function addReaction(graph: HeapGraph, node: number, reaction: number, holding: Holding): void {
  const builtin = graph.builtin(node);
  if (builtin === 'resume') return;
  // Promise.all could also be rejected early: this does not count as a way to settle, as every healthy element allows it.
  if (builtin === 'settle' && isElementOfAll(graph, reaction)) return;
  const promise = promiseOfReaction(graph, reaction);
  if (promise !== NONE) holding.promises.add(promise);
}

function isOutermost(graph: HeapGraph, node: number): boolean {
  if (graph.isContext(node)) return graph.isModuleContext(node);
  if (graph.isNamed(node, 'system / NativeContext') || isGlobal(graph, node)) return true;
  return graph.snapshot.nodeType(node) === 'synthetic';
}

/** An Array that only registers have is a returned pair, no queue. */
function isCollection(graph: HeapGraph, node: number): boolean {
  const name = graph.snapshot.nodeName(node);
  if (graph.snapshot.nodeType(node) !== 'object' || graph.isContext(node)) return false;
  if (COLLECTIONS.includes(name)) return holdersOf(graph, node).some(({ edge }) => isNamedPlace(graph, edge));
  return isLink(graph, node);
}

const isNamedPlace = (graph: HeapGraph, edge: number) => isProperty(graph, edge) || isVariable(graph, edge);

/** Part of a linked list. */
function isLink(graph: HeapGraph, node: number): boolean {
  const name = graph.snapshot.columns.nodeName[node];
  const ofItsKind = (other: number) => other !== node && graph.snapshot.columns.nodeName[other] === name;
  if (!QUEUE.test(graph.snapshot.nodeName(node)) && !graph.isNamed(node, 'Object')) return false;
  return (
    QUEUE.test(graph.snapshot.nodeName(node)) ||
    holdersOf(graph, node).some(({ edge, node: other }) => isProperty(graph, edge) && ofItsKind(other))
  );
}

/** An object with a queue of resolving functions. */
export interface Lock {
  /** The object or scope that has the queue; the queue itself if a module's variable has it. */
  node: number;
  /** A class instance or object; -1 if the queue is a variable of a function's scope. */
  instance: number;
  /** The scope that the queue is a variable of, -1 if there is none or it is a module's. */
  scope: number;
  queue: number;
}

/** Finds the locks of queues. A queue of linked objects is climbed once, however many wait in it. */
export class LockFinder {
  #graph: HeapGraph;
  #byPart = new Map<number, Lock>();
  #byNode = new Map<number, Lock>();

  constructor(graph: HeapGraph) {
    this.#graph = graph;
  }

  lockOf(collection: number): Lock {
    const parts = new Set([collection]);
    let lock: Lock | undefined;
    for (const part of parts) {
      lock = this.#byPart.get(part) ?? this.#ownerOf(part);
      if (lock || parts.size > MAX_LINKS) break;
      for (const { edge, node } of holdersOf(this.#graph, part)) {
        if (isProperty(this.#graph, edge) && isLink(this.#graph, node)) parts.add(node);
      }
    }
    lock ??= { node: collection, instance: NONE, scope: NONE, queue: collection };
    lock = this.#byNode.get(lock.node) ?? lock;
    this.#byNode.set(lock.node, lock);
    for (const part of parts) this.#byPart.set(part, lock);
    return lock;
  }

  /** The object that has the queue in a property, or the scope that has it in a variable. */
  #ownerOf(queue: number): Lock | undefined {
    const graph = this.#graph;
    for (const { edge, node } of holdersOf(graph, queue)) {
      if (isProperty(graph, edge) && graph.snapshot.nodeType(node) === 'object' && !isLink(graph, node)) {
        return { node, instance: node, scope: NONE, queue };
      }
      if (isVariable(graph, edge) && graph.isContext(node)) {
        const scope = graph.isModuleContext(node) ? NONE : node;
        return { node: scope === NONE ? queue : scope, instance: NONE, scope, queue };
      }
    }
    return undefined;
  }
}

/** Variable and constructor, e.g. 'lockA (Mutex)'. */
export function lockName(graph: HeapGraph, lock: Lock): string {
  const thing = lock.instance === NONE ? lock.queue : lock.instance;
  const className = graph.snapshot.nodeName(thing);
  const variable = ownerNames(graph, thing).names.join('.');
  return variable === '' ? className : `${variable} (${className})`;
}

/** Evidence of who holds a lock. */
export interface LockHolders {
  /** Generator objects. */
  calls: Set<number>;
  /** It is released once these have settled. */
  promises: Set<number>;
  /** Something else has a releasing function too. */
  elsewhere: boolean;
}

/** Who has what the lock hands out. Empty if nothing shows it: then the holder is unknown. */
export function lockHolders(graph: HeapGraph, lock: Lock, finder: LockFinder): LockHolders {
  const holders: LockHolders = { calls: new Set(), promises: new Set(), elsewhere: false };
  const code = new Set<number>();
  const codeElsewhere = new Set<number>();
  for (const closure of closuresOf(graph, lock)) {
    const holding = holdingOf(graph, closure);
    if ([...holding.collections].some((collection) => finder.lockOf(collection) === lock)) continue;
    const shared = graph.follow(closure, 'shared');
    if (holding.elsewhere || holding.collections.size > 0) codeElsewhere.add(shared);
    else addEvidence(graph, lock, holding, holders) && code.add(shared);
  }
  // The same function, made for another holder, is somewhere where it may be called at any time.
  holders.elsewhere = [...code].some((shared) => codeElsewhere.has(shared));
  for (const call of methodCalls(graph, lock)) holders.calls.add(call);
  return holders;
}

function addEvidence(graph: HeapGraph, lock: Lock, holding: Holding, holders: LockHolders): boolean {
  const calls = [...holding.calls].filter((call) => !isInside(graph, call, lock.scope));
  for (const call of calls) holders.calls.add(call);
  for (const promise of holding.promises) holders.promises.add(promise);
  return calls.length > 0 || holding.promises.size > 0;
}

/** The call's own function is in the scope: then it is not a lock's private scope, but one of the program. */
function isInside(graph: HeapGraph, call: number, scope: number): boolean {
  if (scope === NONE) return false;
  let outer = graph.follow(graph.follow(call, 'function'), 'context');
  for (let i = 0; i < MAX_CHAIN && outer !== NONE; i++) {
    if (outer === scope) return true;
    outer = graph.follow(outer, 'previous');
  }
  return false;
}

/** Functions that were made within the lock: in its scope, or in a scope that knows it as `this` or by a variable. */
function closuresOf(graph: HeapGraph, lock: Lock): Set<number> {
  const scopes = new Set<number>(lock.scope === NONE ? [] : [lock.scope]);
  for (const thing of new Set([lock.instance, lock.queue])) {
    if (thing === NONE) continue;
    for (const { edge, node } of holdersOf(graph, thing)) {
      if (isVariable(graph, edge) && graph.isContext(node) && !graph.isModuleContext(node)) scopes.add(node);
    }
  }
  const closures = new Set<number>();
  for (const scope of scopes) {
    for (const { edge, node } of holdersOf(graph, scope)) {
      if (graph.hasName(edge, 'context') && graph.isClosure(node) && !graph.builtin(node)) closures.add(node);
      else if (graph.hasName(edge, 'previous') && scopes.size < MAX_INNER_SCOPES) scopes.add(node);
    }
  }
  return closures;
}

/** Suspended calls of the lock's methods. Those that wait in its queue have to be left out by the caller. */
function methodCalls(graph: HeapGraph, lock: Lock): number[] {
  if (lock.instance === NONE) return [];
  return holdersOf(graph, lock.instance)
    .filter(({ edge, node }) => graph.hasName(edge, 'receiver') && graph.isCall(node))
    .map(({ node }) => node);
}
