/** The way from a holder to what it holds. */
import type { PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import type { Chain, Holder, Holders } from './holders.ts';
import type { PathStep } from './types.ts';

const NONE = -1;
/** The most steps of a path that are shown: as many from its beginning as from its end. */
const MAX_STEPS = 40;
/** Steps that are shown after one of the held things. */
const MAX_CONTENTS = 3;
const MIN_CONTENT_BYTES = 40;

/** Paths of one snapshot, in the form of the report. */
export class HolderPaths {
  readonly #holders: Holders;
  readonly #snapshot: HeapSnapshot;
  readonly #tree: PathTree;

  constructor(holders: Holders, snapshot: HeapSnapshot, tree: PathTree) {
    this.#holders = holders;
    this.#snapshot = snapshot;
    this.#tree = tree;
  }

  /** The chain, extended by the largest child of its first node, and so on, as long as one child has most of the bytes. */
  withContents(chain: Chain, bytes: Float64Array): Chain {
    const longer = [...chain];
    for (let i = 0; i < MAX_CONTENTS; i++) {
      const node = longer[0]!;
      let best = NONE;
      for (let edge = this.#snapshot.firstEdge(node); edge < this.#snapshot.firstEdge(node + 1); edge++) {
        const target = this.#snapshot.edgeTarget(edge);
        // The next node of a list is beside it, not in it.
        const isBeside = this.#snapshot.nodeName(target) === this.#snapshot.nodeName(node);
        const isChild = this.#tree.parentEdge[target] === edge && this.#tree.parent[target] === node;
        if (isChild && !isBeside && (best === NONE || bytes[target]! > bytes[best]!)) best = target;
      }
      if (best === NONE || bytes[best]! < MIN_CONTENT_BYTES || longer.includes(best)) break;
      longer.unshift(best);
    }
    return longer;
  }

  /** The path from the holder inwards, without V8's own parts, equal steps in a row counted. */
  steps(chain: Chain, holder: Holder, bytesOf: (node: number) => number | null): PathStep[] {
    const from = chain.indexOf(holder.node);
    const start = from < 0 ? chain.length - 1 : from;
    const steps: PathStep[] = [
      { via: '', name: holder.text, repeats: 1, bytes: bytesOf(chain[start]!), place: holder.place },
    ];
    let via = '';
    for (let i = start; i >= 0; i--) {
      const node = chain[i]!;
      const label = i === start ? '' : this.#edgeLabel(node);
      if (label !== '') via = label;
      if (this.#isInside(node)) continue;
      const step: PathStep = { via, name: this.#nodeLabel(node), repeats: 1, bytes: bytesOf(node), place: null };
      if (this.#snapshot.nodeType(node) === 'closure') step.place = this.#holders.scripts.placeOf(node);
      push(steps, step);
      via = '';
    }
    return steps.length > MAX_STEPS ? [...steps.slice(0, MAX_STEPS / 2), ...steps.slice(-MAX_STEPS / 2)] : steps;
  }

  #isInside(node: number): boolean {
    const type = this.#snapshot.nodeType(node);
    if (type === 'array' || type === 'code' || type === 'synthetic' || type === 'hidden' || type === 'object shape') {
      return !this.#holders.graph.isNamed(node, 'system / PromiseReaction');
    }
    return this.#holders.graph.isContext(node);
  }

  #edgeLabel(node: number): string {
    const edge = this.#tree.parentEdge[node]!;
    const name = this.#snapshot.edgeName(edge).slice(0, 80);
    const type = this.#snapshot.edgeType(edge);
    if (type === 'context') return `variable "${name}"`;
    if (type === 'element') return 'element';
    if (type === 'property')
      return /^[\w$]+$/.test(name) ? `.${name}` : name.startsWith('<symbol') ? `[${name.slice(8, -1)}]` : `["${name}"]`;
    if (name === 'parameters_and_registers') return 'variables';
    return this.#snapshot.nodeType(this.#tree.parent[node]!) === 'array' ? 'entry' : '';
  }

  #nodeLabel(node: number): string {
    const name = this.#snapshot.nodeName(node).slice(0, 80);
    const type = this.#snapshot.nodeType(node);
    if (type === 'closure') return name === '' ? 'function' : `function ${name}`;
    if (/string$/.test(type)) return 'string';
    if (this.#holders.graph.isCall(node))
      return `suspended call of ${this.#holders.functionName(this.#holders.graph.follow(node, 'function'))}`;
    return name.replace(/^system \/ /, '') || type;
  }
}

function push(steps: PathStep[], step: PathStep): void {
  for (const back of [1, 2]) {
    const known = steps.at(-back);
    const same = known && steps.length > back && known.via === step.via && known.name === step.name;
    if (!same) continue;
    known.repeats++;
    return;
  }
  steps.push(step);
}
