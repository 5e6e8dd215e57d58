/**
 * Async calls that wait for each other. The graph has calls, promises and locks; an edge leads from what waits to what can end the wait.
 * Everything that something outside can settle is free, and so is what can go on once a free thing has. The rest waits for itself:
 * its strongly connected parts are the cycles. In doubt there is no cycle: an unknown holder counts as free.
 */
import { graphOf, type HeapGraph } from './heap-graph.ts';
import { holdingOf, type Lock, LockFinder, lockHolders, lockName } from './locks.ts';
import { originsOf } from './retaining.ts';
import type { HeapSnapshot } from './snapshot.ts';
import type { SuspendedCall } from './suspended-calls.ts';
import { connectedParts, freeUp, shortestCycle, type WaitNode } from './wait-graph.ts';

/** On the way from a call to the first lock it waits for. */
const MAX_WAY = 10_000;

/** A call that waits for the next one in its cycle, the last for the first. */
interface CycleCall {
  /** Index into the suspended calls. */
  call: number;
  functionName: string;
  url: string;
  /** Where the function begins, 1-based. */
  line: number;
  column: number;
  /** The lock between, e.g. 'lockA (Mutex)'; '' where it awaits what the next call gives. */
  waitsForLock: string;
}

/** Calls none of which can ever go on. */
export interface Cycle {
  kind: 'direct' | 'lock';
  calls: CycleCall[];
  /** Names of the locks between them, in the same order; two locks may have the same name. */
  locks: string[];
  /** Further calls that wait for these, directly or not. */
  blockedCalls: number;
}

/** Every set of calls that wait for each other, one shortest cycle of each. */
export function awaitCycles(snapshot: HeapSnapshot, calls: readonly SuspendedCall[]): Cycle[] {
  const waits = new Waits(graphOf(snapshot), calls);
  freeUp(waits.nodes);
  const parts = connectedParts(waits.nodes.filter(({ free }) => !free));
  return parts.flatMap((part) => {
    const cycle = shortestCycle(part);
    return cycle.some(({ kind }) => kind === 'call') ? [waits.describe(cycle, part)] : [];
  });
}

/** Builds the graph from the calls outwards. */
class Waits {
  readonly nodes: WaitNode[] = [];
  #graph: HeapGraph;
  #calls: readonly SuspendedCall[];
  #callNodes = new Map<number, WaitNode>();
  #promises = new Map<number, WaitNode>();
  #locks = new Map<Lock, WaitNode>();
  #finder: LockFinder;
  #toDo: WaitNode[] = [];

  constructor(graph: HeapGraph, calls: readonly SuspendedCall[]) {
    this.#graph = graph;
    this.#calls = calls;
    this.#finder = new LockFinder(graph);
    for (const { node, index } of calls) this.#callNodes.set(node, this.#add('call', index));
    for (const { node, waitsFor } of calls) link(this.#callNodes.get(node)!, this.#promise(waitsFor));
    this.#expandAll();
    // Who holds a lock depends on what calls wait for, so the rest must be built first. New promises may bring new locks.
    for (const [lock, node] of this.#locks) {
      this.#addHolders(lock, node);
      this.#expandAll();
    }
  }

  #add(kind: WaitNode['kind'], ref: number): WaitNode {
    const node: WaitNode = { kind, ref, out: [], into: [], free: false };
    this.nodes.push(node);
    return node;
  }

  #promise(promise: number): WaitNode {
    let node = this.#promises.get(promise);
    if (!node) {
      node = this.#add('promise', promise);
      this.#promises.set(promise, node);
      this.#toDo.push(node);
    }
    return node;
  }

  #lock(lock: Lock): WaitNode {
    const node = this.#locks.get(lock) ?? this.#add('lock', lock.node);
    this.#locks.set(lock, node);
    return node;
  }

  #expandAll(): void {
    for (let node = this.#toDo.pop(); node; node = this.#toDo.pop()) this.#expand(node);
  }

  #expand(node: WaitNode): void {
    const origins = originsOf(this.#graph, node.ref);
    for (const call of origins.calls) this.#linkCall(node, call);
    const all = origins.promises.filter(({ how }) => how === 'all');
    if (all.length > 0) {
      const group = this.#add('all', node.ref);
      for (const { promise } of all) link(group, this.#promise(promise));
      link(node, group);
    }
    for (const { promise, how } of origins.promises) if (how === 'one') link(node, this.#promise(promise));
    for (const resolver of origins.resolvers) this.#addResolver(node, resolver);
    // A native operation holds it, or it is about to follow another promise.
    if (origins.others.some((holder) => this.#mayBeNative(holder.node))) node.free = true;
  }

  #mayBeNative(holder: number): boolean {
    const { snapshot } = this.#graph;
    return (
      ['synthetic', 'native', 'hidden'].includes(snapshot.nodeType(holder)) || /^FSReq/.test(snapshot.nodeName(holder))
    );
  }

  #addResolver(node: WaitNode, resolver: number): void {
    const holding = holdingOf(this.#graph, resolver);
    if (holding.elsewhere) node.free = true;
    for (const call of holding.calls) if (!this.#awaits(call, node)) this.#linkCall(node, call);
    for (const promise of holding.promises) link(node, this.#promise(promise));
    for (const queue of holding.collections) link(node, this.#lock(this.#finder.lockOf(queue)));
  }

  /** A call that waits for the promise itself will not settle it, whatever it holds. */
  #awaits(call: number, promise: WaitNode): boolean {
    const index = this.#callNodes.get(call)?.ref;
    return index !== undefined && this.#calls[index]!.waitsFor === promise.ref;
  }

  /** A call that is not suspended may go on. */
  #linkCall(node: WaitNode, call: number): void {
    const target = this.#callNodes.get(call);
    if (target) link(node, target);
    else node.free = true;
  }

  #addHolders(lock: Lock, node: WaitNode): void {
    const holders = lockHolders(this.#graph, lock, this.#finder);
    if (holders.elsewhere) node.free = true;
    for (const promise of holders.promises) link(node, this.#promise(promise));
    for (const call of holders.calls) {
      const target = this.#callNodes.get(call);
      // In the queue itself, so it does not hold the lock.
      if (target && !waitsFirstFor(target, node)) link(node, target);
    }
  }

  describe(cycle: readonly WaitNode[], part: readonly WaitNode[]): Cycle {
    const calls = this.#cycleCalls(cycle);
    const locks = calls.map(({ waitsForLock }) => waitsForLock).filter((name) => name !== '');
    const blocked = callsBehind(part).size;
    return { kind: locks.length > 0 ? 'lock' : 'direct', calls, locks, blockedCalls: blocked - calls.length };
  }

  #cycleCalls(cycle: readonly WaitNode[]): CycleCall[] {
    const first = cycle.findIndex(({ kind }) => kind === 'call');
    const calls: CycleCall[] = [];
    for (const node of [...cycle.slice(first), ...cycle.slice(0, first)]) {
      if (node.kind === 'lock') calls.at(-1)!.waitsForLock = this.#lockName(node);
      if (node.kind !== 'call') continue;
      const { index, functionName, url, line, column } = this.#calls[node.ref]!;
      calls.push({ call: index, functionName, url, line, column, waitsForLock: '' });
    }
    return calls;
  }

  #lockName(node: WaitNode): string {
    const lock = [...this.#locks].find(([, other]) => other === node)?.[0];
    return lock ? lockName(this.#graph, lock) : '';
  }
}

function link(from: WaitNode, to: WaitNode): void {
  from.out.push(to);
  to.into.push(from);
}

/** The first lock on the way of a call is this one. */
function waitsFirstFor(call: WaitNode, lock: WaitNode): boolean {
  const seen = new Set([call]);
  for (const node of seen) {
    if (node === lock) return true;
    if (node.kind === 'lock') continue;
    if (seen.size > MAX_WAY) return true;
    for (const next of node.out) seen.add(next);
  }
  return false;
}

/** All calls, including its own, that end up waiting for this part of the graph. */
function callsBehind(part: readonly WaitNode[]): Set<WaitNode> {
  const seen = new Set(part);
  for (const node of seen) for (const waiting of node.into) if (!waiting.free) seen.add(waiting);
  return new Set([...seen].filter(({ kind }) => kind === 'call'));
}
