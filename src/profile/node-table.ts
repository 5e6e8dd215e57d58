const FIRST_SLOTS = 1 << 10;

/** Which node a frame has below its caller's: a hash table in columns, as there may be millions. */
export class NodeTable {
  #count = 0;
  /** Open addressing; a node of -1 is a free slot. */
  #parent = new Int32Array(FIRST_SLOTS);
  #frame = new Int32Array(FIRST_SLOTS);
  #node = new Int32Array(FIRST_SLOTS).fill(-1);

  /** The node that is there; otherwise `node`, which is added. */
  getOrSet(parent: number, frame: number, node: number): number {
    const at = this.#slotOf(parent, frame);
    if (this.#node[at] !== -1) return this.#node[at]!;
    this.#put(at, parent, frame, node);
    if (++this.#count * 2 > this.#node.length) this.#grow();
    return node;
  }

  #put(at: number, parent: number, frame: number, node: number): void {
    this.#parent[at] = parent;
    this.#frame[at] = frame;
    this.#node[at] = node;
  }

  /** Where the pair is, or where it belongs. */
  #slotOf(parent: number, frame: number): number {
    const mask = this.#node.length - 1;
    let at = hashOf(parent, frame) & mask;
    while (this.#node[at] !== -1 && (this.#parent[at] !== parent || this.#frame[at] !== frame)) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [parents, frames, nodes] = [this.#parent, this.#frame, this.#node];
    const slots = nodes.length * 2;
    this.#parent = new Int32Array(slots);
    this.#frame = new Int32Array(slots);
    this.#node = new Int32Array(slots).fill(-1);
    for (let i = 0; i < nodes.length; i++) {
      if (nodes[i] === -1) continue;
      this.#put(this.#slotOf(parents[i]!, frames[i]!), parents[i]!, frames[i]!, nodes[i]!);
    }
  }
}

/** Spreads neighbours, because chains of nodes have consecutive numbers. */
function hashOf(parent: number, frame: number): number {
  let hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return hash ^ (hash >>> 15);
}
