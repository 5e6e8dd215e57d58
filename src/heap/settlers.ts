/**
 * What can still settle a promise: the search goes from its resolving functions outwards, along their holders, to the
 * nearest object that will or may call them.
 */
import { graphOf, type HeapGraph, isGlobal } from './heap-graph.ts';
import { callAt, callOfScope, type Holder, holdersOf, originsOf, promiseOfReaction } from './retaining.ts';
import { NONE, nameOf, pathOf, type Step, timerMs } from './settler-names.ts';
import type { HeapSnapshot } from './snapshot.ts';
import { type SuspendedCall, suspendedCalls } from './suspended-calls.ts';
import { isProperty } from './variable-names.ts';
import { callsByNode, waitingFor } from './waiters.ts';

/** Nodes that are examined for one promise. */
const MAX_NODES = 20_000;
/** After the first structure, a timer or a socket is searched for this many further steps. */
const STEPS_BEHIND_STRUCTURE = 4;
const MAX_PROTOTYPES = 6;
/** What kind of thing can settle a promise. */
export type SettlerKind =
  | 'timer'
  | 'socket'
  | 'server'
  | 'http-request'
  | 'file'
  | 'child-process'
  | 'worker'
  | 'dns'
  | 'stream'
  | 'emitter'
  | 'abort-signal'
  | 'async-call'
  | 'structure'
  | 'nothing';

/** What can settle a promise, and the way to it. */
export interface Settler {
  kind: SettlerKind;
  /** Of the thing; -1 for 'nothing'. */
  node: number;
  /** Constructor, e.g. 'Map'; '' for 'nothing'. */
  name: string;
  /** Of a timer in a list of Node's. */
  ms?: number;
  /** Of an emitter, socket, …: the event whose listener settles. */
  event?: string;
  /** Of 'async-call': index into `suspendedCalls`. */
  call?: number;
  /** Of 'structure': the variable or property path, e.g. 'pending' or 'client.pending'. */
  variable?: string;
  /** Of 'structure': the script of the code that can reach it, if known. */
  url?: string;
  /** From the promise outwards: variables, properties and constructors. */
  path: string[];
}

/** Node's classes and the names of its native objects. Classes of the user's own are not taken for them. */
const KINDS: readonly (readonly [SettlerKind, RegExp])[] = [
  ['timer', /^(Timeout|Immediate)$/],
  ['abort-signal', /^AbortSignal$/],
  ['child-process', /^(ChildProcess|Process)$/],
  ['worker', /^(Worker|MessagePort|BroadcastChannel)$/],
  ['dns', /^(GetAddrInfoReqWrap|GetNameInfoReqWrap|QueryReqWrap|ChannelWrap)$/],
  ['http-request', /^(ClientRequest|IncomingMessage|HTTPParser|(Client|Server)?Http2(Session|Stream))$/],
  ['server', /^(Server|TLSServer|Http2Server|Http2SecureServer|TCPServerWrap)$/],
  ['file', /^(FSReq(Callback|Promise)|FileHandle|ReadFileJob|FSWatcher|FSEvent|StatWatcher|(Read|Write)Stream)$/],
  ['socket', /^(Socket|TLSSocket|TCP|TCPWRAP|Pipe|TTY|UDP|TLSWrap|(TCP|Pipe)ConnectWrap|(Write|Shutdown|Send)Wrap)$/],
  ['stream', /^(Readable|Writable|Duplex|Transform|PassThrough|Zlib|Gzip|Gunzip|(Readable|Writable)Stream)$/],
  ['emitter', /^(EventTarget|NodeEventTarget)$/],
];
/** Calls and structures come last. */
const rankOf = (kind: SettlerKind) => {
  const rank = KINDS.findIndex(([each]) => each === kind);
  return rank === -1 ? KINDS.length : rank;
};
/** Classes of undici, which fetch uses: common names, so they count only if they are from there. */
const FETCH = /^(Request|Fetch|Client|Pool|Agent|Parser)$/;
/** They do not keep what they hold. */
const WEAK = /^(Weak(Map|Set|Ref|Cell)|FinalizationRegistry|system \/ Weak\w+)$/;
const ROOT = /^\(.*\)$/;
const COLLECTION = /^(Map|Set)$/;
const PLAIN = /^(Object|Array)$/;

/** What settles the promise. Always answers; 'nothing' if no code can reach a resolving function. */
export function whatSettles(snapshot: HeapSnapshot, promiseNode: number): Settler {
  return new Search(graphOf(snapshot), suspendedCalls(snapshot), promiseNode).run();
}

class Search {
  #graph: HeapGraph;
  #calls: Map<number, SuspendedCall>;
  #waiting: Set<number>;
  #seen = new Set<number>();
  #queue: Step[] = [];
  #structure: Step | undefined;

  constructor(graph: HeapGraph, calls: readonly SuspendedCall[], promise: number) {
    this.#graph = graph;
    this.#calls = callsByNode(calls);
    this.#waiting = waitingFor(calls, promise);
    this.#push({ node: promise, depth: 0, from: undefined, edge: NONE });
  }

  run(): Settler {
    for (let at = 0; at < this.#queue.length && at < MAX_NODES; at++) {
      const step = this.#queue[at]!;
      if (this.#structure && step.depth > this.#structure.depth + STEPS_BEHIND_STRUCTURE) break;
      const settler = this.#settlerAt(step);
      if (settler) return this.#bestBeside(settler, at);
      this.#expand(step);
    }
    return this.#structure ? this.#structureOf(this.#structure) : this.#settler('nothing', undefined);
  }

  /** Of equally near ones, the first in the table: the order of edges has no meaning. */
  #bestBeside(first: Settler, at: number): Settler {
    let best = first;
    const { depth } = this.#queue[at]!;
    for (let next = at + 1; this.#queue[next]?.depth === depth; next++) {
      const settler = this.#settlerAt(this.#queue[next]!);
      if (settler && rankOf(settler.kind) < rankOf(best.kind)) best = settler;
    }
    return best;
  }

  #push(step: Step): void {
    if (this.#seen.has(step.node)) return;
    this.#seen.add(step.node);
    this.#queue.push(step);
  }

  #next(from: Step, node: number, edge = NONE): void {
    this.#push({ node, depth: from.depth + 1, from, edge });
  }

  #settlerAt(step: Step): Settler | undefined {
    const call = this.#calls.get(step.node);
    if (call) return this.#waiting.has(step.node) ? undefined : this.#settler('async-call', step, { call: call.index });
    const kind = this.#kindOf(step.node);
    if (kind === 'timer') return this.#settler(kind, step, timerMs(this.#graph, step.node));
    const event = this.#eventOf(step);
    if (kind) return this.#settler(kind, step, event);
    return event ? this.#settler('emitter', step, event) : undefined;
  }

  #kindOf(node: number): SettlerKind | undefined {
    if (!this.#isObject(node)) return undefined;
    const url = this.#graph.constructorUrl(node);
    const names = url === '' || url.startsWith('node:') ? [this.#name(node)] : [];
    if (url.startsWith('node:internal/deps/undici') && names.some((name) => FETCH.test(name))) return 'http-request';
    // A class of the user's own that extends one of Node's is found by its prototypes.
    let proto = this.#graph.follow(node, '__proto__');
    for (let i = 0; i < MAX_PROTOTYPES && proto !== NONE; i++) {
      const made = this.#graph.follow(proto, 'constructor');
      if (this.#graph.place(made).url.startsWith('node:')) names.push(this.#name(made));
      proto = this.#graph.follow(proto, '__proto__');
    }
    return KINDS.find(([, pattern]) => names.some((name) => pattern.test(name)))?.[0];
  }

  #isObject(node: number): boolean {
    const type = this.#graph.snapshot.nodeType(node);
    return (type === 'object' || type === 'native') && !this.#graph.isContext(node);
  }

  /** The listener came through the property of `_events` that has the event's name. */
  #eventOf({ edge, from }: Step): { event: string } | undefined {
    if (edge === NONE || !from || from.edge === NONE || !this.#graph.hasName(edge, '_events')) return undefined;
    const event = this.#graph.snapshot.edgeName(from.edge);
    return { event: event === 'error' ? (this.#eventBesidesError(from.node) ?? event) : event };
  }

  /** `events.once` and the like listen for errors too, which is not what they wait for. */
  #eventBesidesError(events: number): string | undefined {
    const { snapshot } = this.#graph;
    for (let edge = snapshot.firstEdge(events); edge < snapshot.firstEdge(events + 1); edge++) {
      if (!isProperty(this.#graph, edge) || snapshot.edgeName(edge) === 'error') continue;
      const listener = snapshot.edgeTarget(edge);
      const listeners = this.#graph.targets(listener, (inner) => snapshot.edgeType(inner) === 'element');
      if ([listener, ...listeners].some((each) => this.#seen.has(each))) return snapshot.edgeName(edge);
    }
    return undefined;
  }

  #expand(step: Step): void {
    const graph = this.#graph;
    if (graph.isPromise(step.node)) this.#expandPromise(step);
    else if (this.#calls.has(step.node)) return;
    else if (this.#isStructure(step)) this.#structure ??= step;
    else if (!WEAK.test(this.#name(step.node))) this.#expandHolders(step);
  }

  /** What merely waits for a promise cannot settle it: only where it comes from counts. */
  #expandPromise(step: Step): void {
    const origins = originsOf(this.#graph, step.node);
    for (const call of origins.calls) this.#next(step, call);
    for (const { promise } of origins.promises) this.#next(step, promise);
    for (const resolver of origins.resolvers) this.#next(step, resolver);
    for (const { node, edge } of origins.others) if (this.#isNative(node)) this.#next(step, node, edge);
  }

  /** A native operation holds the promise that it will settle. */
  #isNative(node: number): boolean {
    const name = this.#name(node);
    return (
      name === '(Global handles)' ||
      name.startsWith('system / PromiseResolveThenableJob') ||
      /^FSReqPromise$/.test(name)
    );
  }

  #expandHolders(step: Step): void {
    const graph = this.#graph;
    for (const holder of holdersOf(graph, step.node)) {
      if (graph.isNamed(holder.node, 'system / PromiseReaction')) this.#expandReaction(step, holder);
      else if (graph.isNamed(holder.node, 'system / PromiseCapability')) continue;
      else if (graph.isCall(holder.node)) this.#expandCall(step, holder);
      else this.#next(step, holder.node, holder.edge);
    }
    if (graph.isContext(step.node)) for (const call of callOfScope(graph, step.node)) this.#next(step, call);
  }

  /** A handler runs when the promise of its reaction settles. */
  #expandReaction(step: Step, { node }: Holder): void {
    if (this.#graph.builtin(step.node) === 'resume') return;
    const promise = promiseOfReaction(this.#graph, node);
    if (promise !== NONE) this.#next(step, promise);
  }

  #expandCall(step: Step, holder: Holder): void {
    const call = callAt(this.#graph, step.node, holder);
    if (call !== undefined) this.#next(step, call);
  }

  /** Where the search ends and the answer is a place where the user's code has the resolving function. */
  #isStructure(step: Step): boolean {
    const graph = this.#graph;
    const name = this.#name(step.node);
    if (graph.isContext(step.node)) return graph.isModuleContext(step.node);
    if (isGlobal(graph, step.node)) return true;
    if (graph.isNamed(step.node, 'system / NativeContext') || ROOT.test(name) || name === '')
      return this.#isRoot(step.node);
    if (!this.#isObject(step.node) || PLAIN.test(name)) return false;
    if (COLLECTION.test(name)) return !this.#belongsToNode(step.node);
    return !this.#isNodes(step.node);
  }

  #isRoot(node: number): boolean {
    return this.#graph.snapshot.nodeType(node) === 'synthetic' || this.#graph.isNamed(node, 'system / NativeContext');
  }

  /** Made by Node's own code, or a native object. */
  #isNodes(node: number): boolean {
    const url = this.#graph.constructorUrl(node);
    return url === '' || url.startsWith('node:');
  }

  /** A Map of Node's own, such as the listeners of an EventTarget. */
  #belongsToNode(collection: number): boolean {
    const holders = holdersOf(this.#graph, collection).filter(({ node }) => this.#isObject(node));
    return holders.some(({ node }) => this.#graph.constructorUrl(node).startsWith('node:') || this.#kindOf(node));
  }

  #structureOf(step: Step): Settler {
    const named = nameOf(this.#graph, step);
    return this.#settler('structure', named.step, { variable: named.variable, ...(named.url && { url: named.url }) });
  }

  #settler(kind: SettlerKind, step: Step | undefined, more: Partial<Settler> = {}): Settler {
    const node = step?.node ?? NONE;
    return { kind, node, name: step ? this.#name(node) : '', ...more, path: pathOf(this.#graph, step) };
  }

  #name(node: number): string {
    return this.#graph.snapshot.nodeName(node);
  }
}
