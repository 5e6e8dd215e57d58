import type { V8CpuProfile, V8ProfileNode } from '../../../src/protocol/profile-parts.ts';
import type { RecentFrame } from '../../../src/protocol/thread-api.ts';

/** Nodes of the call tree: some 100 bytes each. */
const MAX_NODES = 20_000;
/** With fewer nodes it is not worth the work. */
const SMALL_NODES = 2000;

/** This many are removed together. */
const SLACK = 1.25;

/** One stack of the thread. */
export interface RecentSample {
  askedMs: number;
  /** What ran at the request ran until then. */
  answeredMs: number;
  /** In the time between the previous answer and the request. */
  idleMs: number;
  node: number;
  /** The running line of the innermost function; 0 if unknown. */
  line: number;
}

/** Samples are halved, by chance, each time that they have become so old: of the last minute all are kept. */
const HALVED_AT_MS = [60_000, 120_000, 300_000];
/** Between two looks for those that are to be halved. */
const THIN_MS = 10_000;
/** What took longer to answer stands for all that time, and is kept. */
const SHORT_MS = 50;

export interface RingBounds {
  maxSamples: number;
  keepMs: number;
  random?(): number;
}

/** The last stacks of a thread, as a call tree and samples of it in the order of time. Both are bounded. */
export function createRecentRing({ maxSamples, keepMs, random = Math.random }: RingBounds) {
  let samples: RecentSample[] = [];
  let tree = createTree();
  let compacted = 0;
  const thin = createThinning(random);
  let thinnedMs = 0;

  /** Nodes that only forgotten samples had are left out. */
  const compact = (): void => {
    const old = tree;
    tree = createTree();
    for (const sample of samples) sample.node = tree.place(old.stackOf(sample.node));
    compacted = tree.size();
  };
  const forget = (beforeMs: number): void => {
    let count = Math.max(0, samples.length - maxSamples);
    while (count < samples.length && samples[count]!.answeredMs < beforeMs) count++;
    if (count > 0) samples = samples.slice(count);
  };
  return {
    /** The node of a stack, outermost function first. */
    place(stack: readonly RecentFrame[]): number {
      while (tree.size() + stack.length > MAX_NODES) {
        samples = samples.slice(samples.length >> 1);
        compact();
        if (samples.length === 0) break;
      }
      return tree.place(stack);
    },
    /** The known function of that name and file, with its beginning; `node:` is any of Node's files. */
    known: (name: string, url: string): RecentFrame | undefined => tree.byName.get(`${name}|${url}`),
    add(sample: RecentSample): void {
      samples.push(sample);
      if (sample.askedMs - thinnedMs > THIN_MS) {
        samples = thin(samples, sample.askedMs);
        thinnedMs = sample.askedMs;
      }
      // Not each time: that would copy all of them.
      const isOld = samples[0]!.answeredMs < sample.askedMs - keepMs * SLACK;
      if (isOld || samples.length > maxSamples * SLACK) {
        forget(sample.askedMs - keepMs);
        if (tree.size() > 2 * compacted + SMALL_NODES) compact();
      }
    },
    /** A profile as V8 has it, where each sample accounts for the time until the next; `last` is not kept. */
    profile(fromMs: number, toMs: number, last: RecentSample | null): V8CpuProfile {
      const part = createTree();
      const within = [...samples, ...(last ? [last] : [])]
        .filter(({ answeredMs }) => answeredMs > fromMs)
        .map((sample) => ({ ...sample, node: part.place(tree.stackOf(sample.node)) }));
      return toProfile(part, within, fromMs, toMs);
    },
  };
}

/** What is left of samples as they grow old. */
function createThinning(random: () => number) {
  /** How often each has been spared. */
  const spared = new WeakMap<RecentSample, number>();
  /** Whether it stays; where it becomes older than the next of those ages, one of two does. */
  const isSpared = (sample: RecentSample, ageMs: number): boolean => {
    if (sample.answeredMs - sample.askedMs > SHORT_MS) return true;
    const wanted = HALVED_AT_MS.filter((ms) => ageMs > ms).length;
    for (let times = spared.get(sample) ?? 0; times < wanted; times++) {
      if (random() < 0.5) return false;
      spared.set(sample, times + 1);
    }
    return true;
  };
  /** The busy time of what is left out goes to its neighbours: by chance, so that on the whole each function keeps its share. */
  return (samples: readonly RecentSample[], nowMs: number): RecentSample[] => {
    let idleMs = 0;
    return samples.filter((sample) => {
      const stays = isSpared(sample, nowMs - sample.answeredMs);
      // The time that the loop was idle before it is still idle time.
      if (stays) sample.idleMs += idleMs;
      idleMs = stays ? 0 : idleMs + sample.idleMs;
      return stays;
    });
  };
}

type Tree = ReturnType<typeof createTree>;

function createTree() {
  const parents = [-1];
  const frames: (RecentFrame | null)[] = [null];
  const children: (Map<string, number> | undefined)[] = [undefined];
  const known = new Map<string, RecentFrame>();
  const byName = new Map<string, RecentFrame>();
  return {
    size: () => parents.length,
    parents,
    frames,
    byName,
    place(stack: readonly RecentFrame[]): number {
      let node = 0;
      for (const frame of stack) {
        const key = frame.join('|');
        const below = children[node] ?? new Map<string, number>();
        children[node] = below;
        let next = below.get(key);
        if (next === undefined) {
          next = parents.length;
          below.set(key, next);
          parents.push(node);
          // The text of a function is kept once.
          const same = known.get(key) ?? frame;
          known.set(key, same);
          const [name, url] = same;
          byName.set(`${name}|${url}`, same);
          if (url.startsWith('node:')) byName.set(`${name}|node:`, same);
          frames.push(same);
          children.push(undefined);
        }
        node = next;
      }
      return node;
    },
    stackOf(node: number): RecentFrame[] {
      const stack: RecentFrame[] = [];
      for (let at = node; at > 0; at = parents[at]!) stack.push(frames[at]!);
      return stack.reverse();
    },
  };
}

const IDLE: RecentFrame = ['(idle)', '', 0, 0];

/**
 * The busy time between two stacks is halved between them: at random moments each then accounts for as much
 * as any other, whatever the order.
 */
function toProfile({ parents, frames }: Tree, samples: readonly RecentSample[], fromMs: number, toMs: number) {
  // Node 0 of the tree is V8's 1; the idle node comes after all others.
  const idleId = parents.length + 1;
  const nodes: V8ProfileNode[] = [...frames, IDLE].map((frame, i) => nodeOf(frame, i + 1));
  const link = (id: number, parent: number): void => void nodes[parent - 1]!.children!.push(id);
  for (let node = 1; node < parents.length; node++) link(node + 1, parents[node]! + 1);
  link(idleId, 1);
  const ids: number[] = [];
  const timeDeltas: number[] = [];
  let writtenUs = 0;
  /** Until the next one that is written. */
  const add = (id: number, atMs: number): void => {
    const us = Math.max(writtenUs, Math.round((atMs - fromMs) * 1000));
    ids.push(id);
    timeDeltas.push(us - writtenUs);
    writtenUs = us;
  };
  let endMs = fromMs;
  let before = idleId;
  for (const { askedMs, answeredMs, idleMs, node, line } of samples) {
    const gapMs = Math.max(0, askedMs - endMs);
    const halfMs = Math.max(0, gapMs - idleMs) / (before === idleId ? 1 : 2);
    if (before === idleId) {
      add(idleId, endMs);
      add(node + 1, askedMs - halfMs);
    } else {
      if (gapMs - 2 * halfMs > 0) add(idleId, endMs + halfMs);
      add(node + 1, askedMs - halfMs);
    }
    if (line > 0) tick(nodes[node]!, line);
    endMs = answeredMs;
    before = node + 1;
  }
  if (toMs > endMs) add(idleId, endMs);
  return { nodes, startTime: 0, endTime: Math.round((toMs - fromMs) * 1000), samples: ids, timeDeltas };
}

/** Lines and columns are 0-based there. */
function nodeOf(frame: RecentFrame | null, id: number): V8ProfileNode {
  const [functionName, url, line, column] = frame ?? ['(root)', '', 0, 0];
  const callFrame = { functionName, scriptId: '0', url, lineNumber: line - 1, columnNumber: column - 1 };
  return { id, callFrame, children: [], positionTicks: [] };
}

function tick({ positionTicks = [] }: V8ProfileNode, line: number): void {
  const known = positionTicks.find((one) => one.line === line);
  if (known) known.ticks++;
  else positionTicks.push({ line, ticks: 1 });
}
