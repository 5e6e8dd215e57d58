import { depthsOf, stackOf } from '../profile/call-tree.ts';
import type { ProfileFrame, ThreadProfile } from '../profile/types.ts';
import { InputError } from '../util/input-error.ts';

/** Instead of a frame's index: frames between the outer ones and the innermost are left out. */
export const LEFT_OUT = -1;
export const LEFT_OUT_FRAME: ProfileFrame = {
  function: '(calls left out)',
  file: '',
  line: 0,
  column: 0,
  category: 'v8',
};
/** V8 records at most 255 frames: this cuts only stacks that are deeper than any of its own. */
const LIMITS = [Number.POSITIVE_INFINITY, 4096, 1024, 256, 64, 16];

/**
 * For formats that spell out each stack: by thread, the stack of a node as indexes of frames, outermost first; together no
 * more frames than `most`. A deep one has the outer frames, `LEFT_OUT` and the function itself: a chain of 50 000
 * calls, each with time of its own, would otherwise be a thousand million frames. `isMerged` if the samples of a node are
 * written once. Throws InputError.
 */
export function spelledStacks(
  threads: readonly ThreadProfile[],
  most: number,
  isMerged: boolean,
): ((node: number) => number[])[] {
  const depths = threads.map(depthsOf);
  const limit = LIMITS.find((one) => sumOf(threads, depths, one, isMerged) <= most);
  if (limit === undefined)
    throw new InputError('This profile has too many stacks for that format. Cut a part out, or choose cpuprofile.');
  return threads.map((thread, i) => {
    const outer = outerNodes(thread, depths[i]!, limit);
    return (node) => {
      const stack = stackOf(thread, outer[node]!);
      if (outer[node] !== node) stack.push(LEFT_OUT, thread.frame[node]!);
      return stack;
    };
  });
}

function sumOf(
  threads: readonly ThreadProfile[],
  depths: readonly Uint32Array[],
  limit: number,
  isMerged: boolean,
): number {
  let sum = 0;
  threads.forEach(({ self, samples }, i) => {
    const lengthOf = (node: number): number => Math.min(limit, depths[i]![node]!);
    if (samples && !isMerged) for (const node of samples.node) sum += lengthOf(node);
    else for (let node = 1; node < self.length; node++) if (self[node]! > 0) sum += lengthOf(node);
  });
  return sum;
}

/** By node: the node on its stack that is within the limit of depth. */
function outerNodes({ parent }: ThreadProfile, depths: Uint32Array, limit: number): Uint32Array {
  const outer = new Uint32Array(parent.length);
  for (let node = 1; node < outer.length; node++) outer[node] = depths[node]! <= limit ? node : outer[parent[node]!]!;
  return outer;
}
