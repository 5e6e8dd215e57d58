/** What a path from the roots to an object means to the author of the program: the variable, emitter, timer or call that holds it. */
import { graphOf, type HeapGraph, isGlobal } from '../heap/heap-graph.ts';
import type { PathTree } from '../heap/path-tree.ts';
import { NO_EDGE } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { Scripts } from './scripts.ts';
import type { HolderKind, Place } from './types.ts';

const NONE = -1;
const MAX_NEAR = 60;
const TIMER = /^(Timeout|Immediate|TimersList|ImmediateList)$/;
/** Node's classes behind `require` and `import`. */
const MODULE_CACHE = /^(LoadCache|ResolveCache|ModuleLoadMap|ModuleMap|ResolvedLoadCache)$/;

/** The nearest thing above a node that has a name. */
export interface Holder {
  kind: HolderKind;
  text: string;
  place: Place | null;
  /** The node whose incoming edge has the name. */
  node: number;
  /** What keeps the holder in turn, if that is not a plain variable of a module. */
  keeper: string | null;
  /** The script is one of evdiag's own. */
  isOwn: boolean;
}

/** From a node up to the root, the node first. */
export type Chain = number[];

/** Names the holders of objects in one snapshot. */
export class Holders {
  readonly graph: HeapGraph;
  readonly scripts: Scripts;
  #snapshot: HeapSnapshot;
  #tree: PathTree;

  constructor(snapshot: HeapSnapshot, tree: PathTree) {
    this.graph = graphOf(snapshot);
    this.scripts = new Scripts(this.graph);
    this.#snapshot = snapshot;
    this.#tree = tree;
  }

  chainOf(node: number): Chain {
    const chain: Chain = [];
    for (let at = node; this.#tree.parentEdge[at] !== NO_EDGE; at = this.#tree.parent[at]!) chain.push(at);
    return chain;
  }

  /** Looks up the functions of all scopes on these paths. */
  prepare(chains: Iterable<Chain>): void {
    const contexts = new Set<number>();
    for (const node of new Set([...chains].flat())) {
      if (this.graph.isContext(node)) contexts.add(node);
      else if (this.#snapshot.nodeName(node) === 'system / SourceTextModule') contexts.add(this.#contextOfModule(node));
    }
    this.scripts.prepare(contexts);
  }

  /** The holder of the object at `chain[0]`, searched from `chain[from]` on, whose parent may be what grows. */
  holderOf(chain: Chain, from = 0): Holder {
    let inNode: Holder | undefined;
    for (let i = from; i < chain.length; i++) {
      const found = this.#nameAt(chain, i);
      if (!found) continue;
      if (!isNodes(found)) return found.keeper === '' ? { ...found, keeper: this.#keeperOf(chain, i + 1) } : found;
      // Node's own variables are only of interest if nothing of the user's is above them.
      inNode ??= found;
    }
    return inNode ?? this.#rootHolder(chain, from);
  }

  #nameAt(chain: Chain, i: number): Holder | undefined {
    const node = chain[i]!;
    const edge = this.#tree.parentEdge[node]!;
    const source = this.#tree.parent[node]!;
    const name = this.#snapshot.edgeName(edge);
    const type = this.#snapshot.edgeType(edge);
    if (TIMER.test(this.#snapshot.nodeName(node)) && this.#isObject(node)) return this.#timers(chain, i);
    if (name === '_events' && type === 'property') return this.#listeners(chain, i);
    if (name === '<symbol kEvents>') return this.#targetListeners(chain, i);
    if (type === 'context') return this.#variable(node, source, name);
    if (isGlobal(this.graph, source) && type === 'property') {
      return this.#holder('collection', `global "${name}"`, this.scripts.globalVariable(name), node);
    }
    if (this.#snapshot.nodeType(source) === 'closure' && type === 'property') return this.#static(chain, i, name);
    if (MODULE_CACHE.test(this.#snapshot.nodeName(source))) return this.#moduleCache(chain, i);
    if (this.#snapshot.nodeName(source) === 'system / Cell' && name === 'value') return this.#exported(node, source);
    if (name === 'exports' && this.#snapshot.nodeName(source) === 'Module') return this.#cjsExport(chain, i);
    if (name === 'parameters_and_registers') return this.#registers(node, source);
    return undefined;
  }

  #isObject = (node: number): boolean => this.#snapshot.nodeType(node) === 'object';

  #holder(kind: HolderKind, text: string, place: Place | null, node: number, keeper: string | null = null): Holder {
    return { kind, text, place, node, keeper, isOwn: isOwnFile(place?.file ?? '') };
  }

  #variable(node: number, context: number, name: string): Holder {
    const place = this.scripts.variable(context, name);
    if (this.graph.isModuleContext(context))
      return this.#holder('collection', `module variable "${name}"`, place, node);
    // What keeps the closure is reported as well: it must release it.
    return this.#holder('collection', `variable "${name}" of a closure`, place, node, '');
  }

  #static(chain: Chain, i: number, name: string): Holder | undefined {
    const source = this.#tree.parent[chain[i]!]!;
    const className = this.#snapshot.nodeName(source);
    if (name === '_cache' && className === 'Module') return this.#moduleCache(chain, i);
    if (name === 'prototype' || name === '__proto__') return undefined;
    const place = this.scripts.staticMember(source, name);
    return this.#holder('collection', `static "${name}" of class ${className || '(anonymous)'}`, place, chain[i]!);
  }

  #exported(node: number, cell: number): Holder | undefined {
    // The table of exports has the name before the cell.
    const edge = this.#tree.parentEdge[cell]!;
    const table = this.#tree.parent[cell]!;
    const name = this.#beside(table, edge, -1);
    if (name === '') return undefined;
    const context = this.#contextOfModule(this.#tree.parent[table]!);
    const place = context === NONE ? null : this.scripts.variable(context, name);
    return this.#holder('collection', `module variable "${name}"`, place, node);
  }

  /** The text beside an entry of a table that V8 numbers, e.g. its key. */
  #beside(table: number, edge: number, offset: number): string {
    const wanted = String(Number(this.#snapshot.edgeName(edge)) + offset);
    const end = this.#snapshot.firstEdge(table + 1);
    for (let at = this.#snapshot.firstEdge(table); at < end; at++) {
      if (this.#snapshot.edgeName(at) === wanted) return this.#snapshot.nodeName(this.#snapshot.edgeTarget(at));
    }
    return '';
  }

  #contextOfModule(module: number): number {
    for (const target of this.graph.targets(module, () => true)) {
      const context = this.graph.follow(target, 'context');
      if (context !== NONE && this.graph.isContext(context)) return context;
    }
    return NONE;
  }

  #cjsExport(chain: Chain, i: number): Holder | undefined {
    const below = chain[i - 1];
    if (below === undefined) return undefined;
    const edge = this.#tree.parentEdge[below]!;
    if (this.#snapshot.edgeType(edge) !== 'property') return undefined;
    const name = this.#snapshot.edgeName(edge);
    const file = this.#property(this.#tree.parent[chain[i]!]!, /^filename$/);
    const place = file === NONE ? null : this.scripts.exported(this.#snapshot.nodeName(file), name);
    return this.#holder('collection', `export "${name}"`, place, below);
  }

  #registers(node: number, call: number): Holder {
    const closure = this.graph.follow(call, 'function');
    const name = this.functionName(closure);
    const place = this.scripts.placeOf(closure);
    return this.#holder('suspended-calls', `variables of the suspended async call "${name}"`, place, node, '');
  }

  functionName(closure: number): string {
    return closure === NONE ? '' : this.#snapshot.nodeName(closure) || '(anonymous)';
  }

  #timers(chain: Chain, i: number): Holder {
    let timer = i;
    while (timer > 0 && this.#snapshot.nodeName(chain[timer]!) !== 'Timeout') timer--;
    const callback = this.graph.targets(chain[timer]!, (edge) => this.#snapshot.edgeName(edge) === '_onTimeout')[0];
    const closure = this.userFunctionNear(callback ?? chain[timer]!);
    const place = closure === NONE ? null : this.scripts.placeOf(closure);
    // A small number is no edge; null is one.
    const repeat = this.graph.targets(chain[timer]!, (edge) => this.#snapshot.edgeName(edge) === '_repeat')[0];
    const repeats = repeat === undefined || !/null|Oddball/.test(this.#snapshot.nodeName(repeat));
    return this.#holder('timers', repeats ? 'interval timers' : 'timers', place, chain[i]!, null);
  }

  #listeners(chain: Chain, i: number): Holder {
    const emitter = this.#tree.parent[chain[i]!]!;
    const event = i > 0 ? this.#snapshot.edgeName(this.#tree.parentEdge[chain[i - 1]!]!) : '';
    return this.#listenersOf('listeners', chain, i, event, emitter);
  }

  /** `kEvents` is a Map of event types; its first Listener links to the others. */
  #targetListeners(chain: Chain, i: number): Holder {
    const target = this.#tree.parent[chain[i]!]!;
    const entry = chain[i - 2];
    const edge = entry === undefined ? NO_EDGE : this.#tree.parentEdge[entry]!;
    const event = entry === undefined ? '' : this.#beside(this.#tree.parent[entry]!, edge, -1);
    // Node makes its signals as plain EventTargets.
    const isSignal = event === 'abort' || this.#snapshot.nodeName(target) === 'AbortSignal';
    return this.#listenersOf(isSignal ? 'abort-listeners' : 'listeners', chain, i, event, target);
  }

  #listenersOf(kind: HolderKind, chain: Chain, i: number, event: string, emitter: number): Holder {
    const closure = this.#listenerIn(chain, i);
    const owner = this.#ownerText(chain, i + 1);
    const name = kind === 'abort-listeners' ? 'AbortSignal' : this.#snapshot.nodeName(emitter);
    const text = `listeners of "${event}" on ${name}${owner === null ? '' : ` (${owner})`}`;
    const place = closure === NONE ? null : this.scripts.placeOf(closure);
    return this.#holder(kind, text, place, chain[i]!);
  }

  /** The first function of the user's below. */
  #listenerIn(chain: Chain, i: number): number {
    for (let at = i - 1; at >= 0; at--) {
      const node = chain[at]!;
      if (this.#snapshot.nodeType(node) === 'closure' || /^(Listener|Array)$/.test(this.#snapshot.nodeName(node))) {
        const closure = this.userFunctionNear(node);
        if (closure !== NONE) return closure;
      }
    }
    return NONE;
  }

  /** Describes a thing's own holder; null if it has no name. */
  #ownerText(chain: Chain, from: number): string | null {
    for (let i = from; i < chain.length; i++) {
      const found = this.#nameAt(chain, i);
      if (found && !isNodes(found)) return found.text;
    }
    return null;
  }

  #keeperOf(chain: Chain, from: number): string | null {
    for (let i = from; i < chain.length; i++) {
      const found = this.#nameAt(chain, i);
      if (!found || isNodes(found) || /^variable "/.test(found.text)) continue;
      const { place } = found;
      return place && place.line > 0 ? `${found.text} at ${place.file}:${place.line}` : found.text;
    }
    return null;
  }

  #moduleCache(chain: Chain, i: number): Holder {
    const file = this.#loaderOf(chain.slice(0, i + 1));
    const place = file === '' ? null : (this.scripts.dynamicLoad(file) ?? { file, line: 1, column: 1, function: '' });
    return this.#holder('module-cache', 'require cache', place, chain[i]!);
  }

  /** The file of the module that loaded the first module below. */
  #loaderOf(below: Chain): string {
    for (const node of [...below].reverse()) {
      if (this.#snapshot.nodeName(node) !== 'Module') continue;
      const parent = this.#property(node, /module_(first_)?parent>$/);
      const name = this.#property(parent, /^filename$/);
      if (name !== NONE) return this.#snapshot.nodeName(name);
    }
    return '';
  }

  #property(node: number, name: RegExp): number {
    return this.graph.targets(node, (edge) => name.test(this.#snapshot.edgeName(edge)))[0] ?? NONE;
  }

  #rootHolder(chain: Chain, from: number): Holder {
    const names = chain.slice(from).map((node) => this.#snapshot.nodeName(node));
    const native = names.find((name) => name.startsWith('Node / ')) ?? names.find((name) => /^\(.+\)$/.test(name));
    const text = native === undefined ? 'an object without a name' : `native ${native.replace(/^Node \/ /, '')}`;
    // V8 itself holds the agent's hooks, without a variable.
    const outermost = chain.findLast((node) => this.#snapshot.nodeType(node) === 'closure');
    const isOwn = outermost !== undefined && isOwnFile(this.graph.place(outermost).url);
    return { ...this.#holder('handles', text, null, chain.at(-1) ?? 0), isOwn };
  }

  /** A user function at the node or a few edges away: through wrappers, bound functions and the like. */
  userFunctionNear(start: number): number {
    const seen = new Set([start]);
    for (const node of seen) {
      if (seen.size > MAX_NEAR) break;
      if (this.#snapshot.nodeType(node) === 'closure') {
        const { url } = this.graph.place(node);
        if (url !== '' && !url.startsWith('node:')) return node;
      }
      const end = Math.min(this.#snapshot.firstEdge(node + 1), this.#snapshot.firstEdge(node) + MAX_NEAR);
      for (let edge = this.#snapshot.firstEdge(node); edge < end; edge++) {
        const name = this.#snapshot.edgeName(edge);
        if (
          /^(_onTimeout|_onImmediate|listener|callback|wrapped|bound_function|bindings|bound_argument_\d|0|1|fn)$/.test(
            name,
          )
        ) {
          seen.add(this.#snapshot.edgeTarget(edge));
        }
      }
    }
    return NONE;
  }
}

const isNodes = ({ place, kind }: Holder) => place?.file.startsWith('node:') === true && kind === 'collection';

/** The agent's and the library's bundles. */
const isOwnFile = (file: string) =>
  /[\\/]evdiag[\\/]dist[\\/]|[\\/]dist[\\/](agent|watchdog|library|stall-watch)\.[cm]js$/.test(file);
