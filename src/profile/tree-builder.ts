import { bad } from './loose.ts';
import { NodeTable } from './node-table.ts';
import type { LineWeights, Origin, ProfileFrame, Samples, Taken, ThreadProfile } from './types.ts';

const NO_FRAME = -1;
/** Some 100 bytes each: a profile of a day has 100 000. */
const MAX_NODES = 4_000_000;
/** Some 500 bytes each. */
const MAX_FRAMES = 1_000_000;

/** Builds a call tree node by node; equal stacks become one node. */
export class TreeBuilder {
  #frames: ProfileFrame[] = [];
  #frameIds = new Map<string, number>();
  #parent = [NO_FRAME];
  #frame = [NO_FRAME];
  #self = [0];
  #children = new NodeTable();

  get nodeCount(): number {
    return this.#parent.length;
  }

  /** The index of a frame; equal ones are one. Throws InputError where there are too many. */
  frame(frame: ProfileFrame): number {
    const key = `${frame.category}|${frame.line}:${frame.column}|${frame.function}|${frame.file}`;
    const known = this.#frameIds.get(key);
    if (known !== undefined) return known;
    if (this.#frames.length >= MAX_FRAMES) throw bad(`it has more than ${MAX_FRAMES} functions`);
    this.#frameIds.set(key, this.#frames.length);
    this.#frames.push(frame);
    return this.#frames.length - 1;
  }

  /** The node of that frame below `parent`; 0 is the root. Throws InputError where there are too many. */
  child(parent: number, frame: number): number {
    const node = this.#parent.length;
    const known = this.#children.getOrSet(parent, frame, node);
    if (known !== node) return known;
    if (node >= MAX_NODES) throw bad(`it has more than ${MAX_NODES} different stacks`);
    this.#parent.push(parent);
    this.#frame.push(frame);
    this.#self.push(0);
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
