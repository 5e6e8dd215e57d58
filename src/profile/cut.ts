import { TreeBuilder } from './tree-builder.ts';
import type { LineWeights, Profile, ProfileCategory, Samples, ThreadProfile } from './types.ts';

/** What of a profile is wanted; nothing given means all. */
export interface Cut {
  /** Name of a thread, or a part of it. */
  thread?: string;
  /** ms since the profile began. */
  fromMs?: number;
  toMs?: number;
  /** Only stacks with a function or file that matches; they begin there. */
  focus?: RegExp;
  /** Only what is spent in these. */
  categories?: readonly ProfileCategory[];
}

/** The part of a profile. Null where a time range is wanted of one that does not tell times. */
export function cutProfile(profile: Profile, { thread, fromMs, toMs, focus, categories }: Cut): Profile | null {
  let threads = thread === undefined ? profile.threads : profile.threads.filter(({ name }) => name.includes(thread));
  if (fromMs !== undefined || toMs !== undefined) {
    if (threads.some(({ samples }) => samples === null)) return null;
    threads = threads.map((of) => inRange(of, (fromMs ?? 0) * 1000, (toMs ?? Number.POSITIVE_INFINITY) * 1000));
  }
  if (categories)
    threads = threads.map((of) =>
      keep(of, (node) => categories.includes(of.frames[of.frame[node]!]?.category ?? 'v8')),
    );
  if (focus) threads = threads.map((of) => focused(of, focus));
  return { ...profile, threads };
}

/** A sample that begins before the range or ends behind it counts with the part inside. */
function inRange(thread: ThreadProfile, fromUs: number, toUs: number): ThreadProfile {
  const { node, atUs, weight } = thread.samples!;
  const self = new Float64Array(thread.self.length);
  const kept: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < node.length; i++) {
    const inside = Math.min(toUs, atUs[i]! + weight[i]!) - Math.max(fromUs, atUs[i]!);
    if (inside <= 0) continue;
    self[node[i]!]! += inside;
    kept.push(i);
    weights.push(inside);
  }
  const samples: Samples = {
    node: Uint32Array.from(kept, (i) => node[i]!),
    atUs: Float64Array.from(kept, (i) => Math.max(0, atUs[i]! - fromUs)),
    weight: Float64Array.from(weights),
  };
  const spanUs = Math.min(toUs, thread.taken?.spanUs ?? toUs) - fromUs;
  const taken = thread.taken && {
    ...thread.taken,
    spanUs: Math.max(0, spanUs),
    sampleCount: kept.length,
    missedCount: null,
  };
  // V8 tells lines of the whole time only.
  return { ...thread, self, samples, taken, lines: null };
}

/** The other nodes weigh nothing. */
function keep(thread: ThreadProfile, isKept: (node: number) => boolean): ThreadProfile {
  const self = thread.self.map((weight, node) => (isKept(node) ? weight : 0));
  return { ...thread, self, samples: samplesOf(thread, isKept), lines: linesOf(thread, isKept) };
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

/** Stacks begin at their first function that matches. */
function focused(thread: ThreadProfile, pattern: RegExp): ThreadProfile {
  const builder = new TreeBuilder();
  const matches = thread.frames.map(({ function: name, file }) => pattern.test(name) || pattern.test(file));
  /** Of each node its new one; -1 where nothing matches yet. */
  const placed = new Int32Array(thread.parent.length).fill(-1);
  for (let node = 1; node < thread.parent.length; node++) {
    const above = placed[thread.parent[node]!]!;
    const frame = thread.frame[node]!;
    if (above < 0 && !matches[frame]) continue;
    placed[node] = builder.child(Math.max(0, above), builder.frame(thread.frames[frame]!));
    builder.add(placed[node]!, thread.self[node]!);
  }
  const isKept = (node: number): boolean => placed[node]! >= 0;
  const samples = samplesOf(thread, isKept);
  const lines = linesOf(thread, isKept);
  const moved = (nodes: Uint32Array): Uint32Array => nodes.map((node) => placed[node]!);
  return builder.build(thread.name, {
    samples: samples && { ...samples, node: moved(samples.node) },
    lines: lines && { ...lines, node: moved(lines.node) },
    taken: thread.taken,
  });
}
