import { TreeBuilder } from './tree-builder.ts';
import type { LineWeights, ProfileFrame, Samples, ThreadProfile } from './types.ts';

/** For a node without a place in the new tree. */
const NOWHERE = -1;

/** The other nodes weigh nothing. */
export function kept(thread: ThreadProfile, isKept: (node: number) => boolean): ThreadProfile {
  const self = thread.self.map((weight, node) => (isKept(node) ? weight : 0));
  return { ...thread, self, samples: samplesOf(thread, isKept), lines: linesOf(thread, isKept), ...timeless(thread) };
}

/** By node, 1 where the function, its file or one of its callers matches. */
export function stacksWith(thread: ThreadProfile, pattern: RegExp): Uint8Array {
  const matches = matchesOf(thread, pattern);
  const found = new Uint8Array(thread.parent.length);
  for (let node = 1; node < found.length; node++)
    found[node] = found[thread.parent[node]!] || matches[thread.frame[node]!] ? 1 : 0;
  return found;
}

/** Stacks begin at their first function that matches. */
export function focused(thread: ThreadProfile, pattern: RegExp): ThreadProfile {
  const builder = new TreeBuilder();
  const matches = matchesOf(thread, pattern);
  const placed = new Int32Array(thread.parent.length).fill(NOWHERE);
  for (let node = 1; node < thread.parent.length; node++) {
    const above = placed[thread.parent[node]!]!;
    const frame = thread.frame[node]!;
    if (above < 0 && !matches[frame]) continue;
    placed[node] = builder.child(Math.max(0, above), builder.frame(thread.frames[frame]!));
  }
  return { ...rebuilt(thread, builder, placed, () => true), ...timeless(thread) };
}

/** Without the functions that match: their time counts for their callers. */
export function hidden(thread: ThreadProfile, pattern: RegExp): ThreadProfile {
  const builder = new TreeBuilder();
  const matches = matchesOf(thread, pattern);
  const placed = new Int32Array(thread.parent.length);
  for (let node = 1; node < thread.parent.length; node++) {
    const above = placed[thread.parent[node]!]!;
    const frame = thread.frame[node]!;
    placed[node] = matches[frame] ? above : builder.child(above, builder.frame(thread.frames[frame]!));
  }
  // The lines of a hidden function are not lines of its caller.
  return rebuilt(thread, builder, placed, (node) => !matches[thread.frame[node]!]);
}

function matchesOf({ frames }: ThreadProfile, pattern: RegExp): boolean[] {
  return frames.map(({ function: name, file }: ProfileFrame) => pattern.test(name) || pattern.test(file));
}

/** The thread on a new tree; `placed` has of each node its new one. */
function rebuilt(
  thread: ThreadProfile,
  builder: TreeBuilder,
  placed: Int32Array,
  hasLines: (node: number) => boolean,
): ThreadProfile {
  thread.self.forEach((weight, node) => {
    if (placed[node]! >= 0) builder.add(placed[node]!, weight);
  });
  const isPlaced = (node: number): boolean => placed[node]! >= 0;
  const moved = (nodes: Uint32Array): Uint32Array => nodes.map((node) => placed[node]!);
  const samples = samplesOf(thread, isPlaced);
  const lines = linesOf(thread, (node) => isPlaced(node) && hasLines(node));
  return builder.build(thread.name, {
    samples: samples && { ...samples, node: moved(samples.node) },
    lines: lines && { ...lines, node: moved(lines.node) },
    taken: thread.taken,
    origin: thread.origin,
  });
}

/** The rest has gaps, so its times are no longer those of a clock. */
function timeless({ origin }: ThreadProfile): Pick<ThreadProfile, 'origin'> {
  return origin ? { origin: { ...origin, startUs: null } } : {};
}

function samplesOf({ samples }: ThreadProfile, isKept: (node: number) => boolean): Samples | null {
  if (!samples) return null;
  const chosen = [...samples.node.keys()].filter((i) => isKept(samples.node[i]!));
  return {
    node: Uint32Array.from(chosen, (i) => samples.node[i]!),
    atUs: Float64Array.from(chosen, (i) => samples.atUs[i]!),
    weight: Float64Array.from(chosen, (i) => samples.weight[i]!),
  };
}

function linesOf({ lines }: ThreadProfile, isKept: (node: number) => boolean): LineWeights | null {
  if (!lines) return null;
  const chosen = [...lines.node.keys()].filter((i) => isKept(lines.node[i]!));
  return {
    node: Uint32Array.from(chosen, (i) => lines.node[i]!),
    line: Uint32Array.from(chosen, (i) => lines.line[i]!),
    weight: Float64Array.from(chosen, (i) => lines.weight[i]!),
  };
}
