import type { LineWeights, Origin, ProfileFrame, Samples, Taken, ThreadProfile } from './types.ts';

const NO_FRAME = -1;

/** Builds a call tree node by node; equal stacks become one node. */
export class TreeBuilder {
  #frames: ProfileFrame[] = [];
  #frameIds = new Map<string, number>();
  #parent = [NO_FRAME];
  #frame = [NO_FRAME];
  #self = [0];
  /** By node, its children by frame. Made when a node gets its first child. */
  #children: (Map<number, number> | undefined)[] = [undefined];

  get nodeCount(): number {
    return this.#parent.length;
  }

  /** The index of a frame; equal ones are one. */
  frame(frame: ProfileFrame): number {
    const key = `${frame.category}|${frame.line}:${frame.column}|${frame.function}|${frame.file}`;
    const known = this.#frameIds.get(key);
    if (known !== undefined) return known;
    this.#frameIds.set(key, this.#frames.length);
    this.#frames.push(frame);
    return this.#frames.length - 1;
  }

  /** The node of that frame below `parent`; 0 is the root. */
  child(parent: number, frame: number): number {
    let children = this.#children[parent];
    if (!children) {
      children = new Map();
      this.#children[parent] = children;
    }
    const known = children.get(frame);
    if (known !== undefined) return known;
    const node = this.#parent.length;
    children.set(frame, node);
    this.#parent.push(parent);
    this.#frame.push(frame);
    this.#self.push(0);
    this.#children.push(undefined);
    return node;
  }

  /** Null for the root. */
  frameOf(node: number): ProfileFrame | null {
    return this.#frames[this.#frame[node]!] ?? null;
  }

  add(node: number, weight: number): void {
    this.#self[node] = this.#self[node]! + weight;
  }

  /** The node of a stack, outermost frame first. */
  stack(frames: readonly number[]): number {
    let node = 0;
    for (let i = 0; i < frames.length; i++) node = this.child(node, frames[i]!);
    return node;
  }

  build(
    name: string,
    rest: {
      samples?: Samples | null;
      lines?: LineWeights | null;
      taken?: Taken | null;
      origin?: Origin | null | undefined;
    } = {},
  ): ThreadProfile {
    return {
      name,
      frames: this.#frames,
      parent: Int32Array.from(this.#parent),
      frame: Int32Array.from(this.#frame),
      self: Float64Array.from(this.#self),
      samples: rest.samples ?? null,
      lines: rest.lines ?? null,
      taken: rest.taken ?? null,
      ...(rest.origin && { origin: rest.origin }),
    };
  }
}
