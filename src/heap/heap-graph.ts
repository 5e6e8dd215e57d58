/**
 * How JavaScript's values look in a heap snapshot: V8's internal names of edges and nodes, and what they mean.
 * Indexes of hidden edges differ between versions of V8, so the meaning of a hidden edge is known by the kind of its target.
 */
import type { HeapSnapshot } from './snapshot.ts';

/** What one of V8's own functions does when it is called. */
export type Builtin = 'resume' | 'settle' | 'all' | 'any';

const BUILTINS: Record<Builtin, readonly string[]> = {
  // They go on after an `await`, a `yield` or a `return`; their context's `extension` is the call.
  resume: [
    'AsyncFunctionAwaitResolveClosure',
    'AsyncFunctionAwaitRejectClosure',
    'AsyncGeneratorAwaitResolveClosure',
    'AsyncGeneratorAwaitRejectClosure',
    'AsyncGeneratorYieldWithAwaitResolveClosure',
    'AsyncGeneratorReturnResolveClosure',
    'AsyncGeneratorReturnClosedResolveClosure',
    'AsyncGeneratorReturnClosedRejectClosure',
  ],
  // What `new Promise` passes to its function.
  settle: ['PromiseCapabilityDefaultResolve', 'PromiseCapabilityDefaultReject'],
  all: [
    'PromiseAllResolveElementClosure',
    'PromiseAllSettledResolveElementClosure',
    'PromiseAllSettledRejectElementClosure',
  ],
  any: ['PromiseAnyRejectElementClosure'],
};
/** Node 20 says 'handle', later ones 'code'. */
const CODE_SUFFIXES = [' builtin handle)', ' builtin code)'];

const NAMES = [
  'function',
  'parameters_and_registers',
  'context',
  'receiver',
  'extension',
  'previous',
  'shared',
  'script',
  'script_or_debug_info',
  'name',
  'code',
  'reactions_or_result',
  'promise_prototype',
  '__proto__',
  'constructor',
  '_events',
  'system / Context',
  'system / NativeContext',
  'system / PromiseReaction',
  'system / PromiseCapability',
  'system / AsyncGeneratorRequest',
  'Promise',
  'Object',
  'Array',
] as const;
/** One of the names that a graph can look for. */
export type Name = (typeof NAMES)[number];

/** Functions, promises and the like have few edges. Searching those of an array of waiters for each of them would take forever. */
const MAX_EDGES = 1000;
/** A class that extends a class that extends … Promise. */
const MAX_PROTOTYPES = 8;
const NONE = -1;

const graphs = new WeakMap<HeapSnapshot, HeapGraph>();

/** The graph of a snapshot; the same one each time. */
export function graphOf(snapshot: HeapSnapshot): HeapGraph {
  let graph = graphs.get(snapshot);
  if (!graph) {
    graph = new HeapGraph(snapshot);
    graphs.set(snapshot, graph);
  }
  return graph;
}

/** The global object or the proxy before it: `global`, in Node 26 `global (global*)`. */
export function isGlobal(graph: HeapGraph, node: number): boolean {
  return graph.snapshot.nodeType(node) === 'object' && /^global( \(.*\))?$/.test(graph.snapshot.nodeName(node));
}

/** Nodes are numbers; -1 means none. */
export class HeapGraph {
  readonly snapshot: HeapSnapshot;
  #ids = new Map<string, number>();
  #builtins = new Map<number, Builtin>();
  #hidden: number;
  #element: number;
  #weak: number;
  #promisePrototype: number | undefined;
  #scripts: Map<number, string> | undefined;
  #generators: Set<number> | undefined;

  constructor(snapshot: HeapSnapshot) {
    this.snapshot = snapshot;
    const { edgeTypes, strings } = snapshot.columns;
    this.#hidden = edgeTypes.indexOf('hidden');
    this.#element = edgeTypes.indexOf('element');
    this.#weak = edgeTypes.indexOf('weak');
    const codeNames = Object.entries(BUILTINS).flatMap(([kind, names]) =>
      names.flatMap((name) => CODE_SUFFIXES.map((suffix) => [`(${name}${suffix}`, kind as Builtin] as const)),
    );
    this.#ids = strings.find([...NAMES, ...codeNames.map(([name]) => name)]);
    for (const [name, kind] of codeNames) this.#builtins.set(this.#ids.get(name) ?? NONE, kind);
    this.#builtins.delete(NONE);
  }

  /** Index of the string, -1 if the snapshot does not have it. */
  id(name: Name): number {
    return this.#ids.get(name) ?? NONE;
  }

  isNamed(node: number, name: Name): boolean {
    return node !== NONE && this.snapshot.columns.nodeName[node] === this.id(name);
  }

  /** A slot of V8's own. The first one of a function's scope is sometimes named `extension`, in one file both ways. */
  isHidden(edge: number): boolean {
    return this.snapshot.columns.edgeType[edge] === this.#hidden || this.hasName(edge, 'extension');
  }

  isWeak(edge: number): boolean {
    return this.snapshot.columns.edgeType[edge] === this.#weak;
  }

  /** The edge has a name, and this one. */
  hasName(edge: number, name: Name): boolean {
    const { edgeType, edgeName } = this.snapshot.columns;
    const type = edgeType[edge]!;
    return edgeName[edge] === this.id(name) && type !== this.#hidden && type !== this.#element;
  }

  /** Where the first edge of this name leads. */
  follow(node: number, name: Name): number {
    const wanted = this.id(name);
    if (node === NONE || wanted === NONE) return NONE;
    const { firstEdge, edgeName, edgeTarget } = this.snapshot.columns;
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      if (edgeName[edge] === wanted && this.hasName(edge, name)) return edgeTarget[edge]!;
    }
    return NONE;
  }

  /** Where the hidden edges lead. */
  hiddenTargets(node: number): number[] {
    return this.targets(node, (edge) => this.isHidden(edge));
  }

  /** The first hidden edge's target of this name. */
  hiddenNamed(node: number, name: Name): number {
    return this.hiddenTargets(node).find((target) => this.isNamed(target, name)) ?? NONE;
  }

  targets(node: number, wanted: (edge: number) => boolean): number[] {
    const found: number[] = [];
    if (node === NONE) return found;
    const end = this.snapshot.firstEdge(node + 1);
    for (let edge = this.snapshot.firstEdge(node); edge < end; edge++) {
      if (wanted(edge)) found.push(this.snapshot.edgeTarget(edge));
    }
    return found;
  }

  /** The values of a context's variables. */
  variables(context: number): number[] {
    return this.targets(context, (edge) => this.snapshot.edgeType(edge) === 'context');
  }

  /** What a function of V8's own does; undefined for any other node. */
  builtin(node: number): Builtin | undefined {
    if (node === NONE || !this.#isSmall(node)) return undefined;
    const code = this.follow(node, 'code');
    return code === NONE ? undefined : this.#builtins.get(this.snapshot.columns.nodeName[code]!);
  }

  isClosure(node: number): boolean {
    return this.#isSmall(node) && this.follow(node, 'shared') !== NONE && this.follow(node, 'context') !== NONE;
  }

  #isSmall(node: number): boolean {
    return this.snapshot.firstEdge(node + 1) - this.snapshot.firstEdge(node) <= MAX_EDGES;
  }

  /** The generator object of a call, async or not, whether it has begun or not. */
  isCall(node: number): boolean {
    this.#generators ??= this.#findGenerators();
    return this.#generators.has(node);
  }

  #findGenerators(): Set<number> {
    const generators = new Set<number>();
    for (const edge of this.snapshot.edgesNamed(this.id('parameters_and_registers'))) {
      if (this.hasName(edge, 'parameters_and_registers')) generators.add(this.snapshot.edgeSource(edge));
    }
    return generators;
  }

  isContext(node: number): boolean {
    return this.isNamed(node, 'system / Context');
  }

  /** The outermost scope of a module or a script: all its code can reach what is in it. */
  isModuleContext(node: number): boolean {
    const previous = this.follow(node, 'previous');
    return previous === NONE || this.isNamed(previous, 'system / NativeContext');
  }

  /** A Promise, or an object of a class that extends it. */
  isPromise(node: number): boolean {
    if (node === NONE || !this.#isSmall(node)) return false;
    if (this.isNamed(node, 'Promise')) return !this.isClosure(node) && node !== this.#prototype;
    let proto = this.follow(node, '__proto__');
    for (let i = 0; i < MAX_PROTOTYPES && proto !== NONE; i++) {
      if (proto === this.#prototype) return true;
      proto = this.follow(proto, '__proto__');
    }
    return false;
  }

  get #prototype(): number {
    this.#promisePrototype ??= this.#findPrototype();
    return this.#promisePrototype;
  }

  #findPrototype(): number {
    const { nodeName } = this.snapshot.columns;
    const native = nodeName.indexOf(this.id('system / NativeContext'));
    return this.follow(native, 'promise_prototype');
  }

  /** The promise that a resolving function, or the capability of a reaction or of Promise.all, belongs to. */
  promiseAmong(node: number): number {
    return this.hiddenTargets(node).find((target) => this.isPromise(target)) ?? NONE;
  }

  /** Where a function is: url of its script ('' if V8 has none), 1-based line and column (0 if unknown). */
  place(closure: number): { url: string; line: number; column: number } {
    const shared = this.follow(closure, 'shared');
    const where = closure === NONE ? undefined : this.snapshot.location(closure);
    return { url: this.#urlOf(shared), line: where?.line ?? 0, column: where?.column ?? 0 };
  }

  #urlOf(shared: number): string {
    let script = this.follow(shared, 'script');
    if (script === NONE) script = this.follow(shared, 'script_or_debug_info');
    // A function that is being debugged has its DebugInfo there, which has the script.
    const inner = this.follow(script, 'script');
    const name = this.follow(inner === NONE ? script : inner, 'name');
    return name === NONE ? '' : this.snapshot.nodeName(name);
  }

  /** Url of the script with this object's constructor, '' if V8 does not have it. */
  constructorUrl(object: number): string {
    const where = this.snapshot.location(object);
    this.#scripts ??= this.#scriptUrls();
    return where ? (this.#scripts.get(where.scriptId) ?? '') : '';
  }

  #scriptUrls(): Map<number, string> {
    const { locations } = this.snapshot.columns;
    const urls = new Map<number, string>();
    for (let row = 0; row < locations.length; row += 4) {
      const script = locations[row + 1]!;
      if (!urls.has(script) && this.isClosure(locations[row]!)) urls.set(script, this.place(locations[row]!).url);
    }
    return urls;
  }
}
