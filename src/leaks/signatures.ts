import { NO_EDGE, type PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';

/** Equal paths from the root, ignoring numbers and repeated loops, have the same number. */
export class Signatures {
  #snapshot: HeapSnapshot;
  #tree: PathTree;
  #byNode = new Map<number, number>();
  #byText = new Map<string, number>();
  #labels: string[] = [''];
  #parents: number[] = [0];

  constructor(snapshot: HeapSnapshot, tree: PathTree) {
    this.#snapshot = snapshot;
    this.#tree = tree;
  }

  of(node: number): number {
    const open: number[] = [];
    let at = node;
    while (!this.#byNode.has(at) && this.#tree.parentEdge[at] !== NO_EDGE) {
      open.push(at);
      at = this.#tree.parent[at]!;
    }
    let signature = this.#byNode.get(at) ?? 0;
    for (const each of open.reverse()) {
      signature = this.#extend(signature, this.#label(each));
      this.#byNode.set(each, signature);
    }
    return signature;
  }

  #label(node: number): string {
    const edge = this.#tree.parentEdge[node]!;
    const isNamed = /^(property|context)$/.test(this.#snapshot.edgeType(edge));
    const name = isNamed ? this.#snapshot.edgeName(edge).slice(0, 60).replace(/\d+/g, '#') : '';
    return `${name} ${this.#snapshot.nodeName(node).slice(0, 60).replace(/\d+/g, '#')}`;
  }

  #extend(signature: number, label: string): number {
    const above = this.#parents[signature]!;
    for (const back of [signature, above]) if (back !== 0 && this.#labels[back] === label) return back;
    const key = `${signature} ${label}`;
    let found = this.#byText.get(key);
    if (found === undefined) {
      found = this.#labels.length;
      this.#labels.push(label);
      this.#parents.push(signature);
      this.#byText.set(key, found);
    }
    return found;
  }
}
