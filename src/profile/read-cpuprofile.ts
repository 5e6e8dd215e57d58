/**
 * `.cpuprofile`: what V8's profiler hands out, Node's --cpu-prof writes and Chrome DevTools opens.
 * Format: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile. Lines and columns are 0-based, times µs.
 */
import { createFrameMapper, type FrameMapper, functionFrame } from '../recording/source-maps.ts';
import { EVAL_FILE } from '../util/code-places.ts';
import { AGENT_FRAME, type AgentPart, agentParts } from './agent-frames.ts';
import { readLines } from './cpuprofile-lines.ts';
import { medianGap, withIdleGaps } from './idle-gaps.ts';
import { bad, type Loose, MAX_US, numberOf, objectOf, textOf, weightOf } from './loose.ts';
import { toModern } from './old-cpuprofile.ts';
import { profileFrame } from './profile-frame.ts';
import { IDLE } from './tick-frames.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Origin, ProfileFrame, Samples, Taken, ThreadProfile } from './types.ts';

/** In a gap of more intervals, samples are missing: V8's sampler is late by less. */
export const GAP_INTERVALS = 1.5;
const NO_CLOCK_US = 1_000_000;
/** No machine has run for 31 years: a later time is from the wall clock (Bun's). */
const WALL_CLOCK_US = 1e15;
const SPECIAL: ReadonlyMap<string, ProfileFrame['category']> = new Map([
  ['(idle)', 'idle'],
  ['(garbage collector)', 'gc'],
  ['(program)', 'v8'],
  ['(compiler)', 'v8'],
  ['(bytecode compiler)', 'v8'],
]);

export interface ReadCpuProfileOptions {
  name?: string;
  /** What the taker of the profile knows about it. */
  taken?: Pick<Taken, 'interval' | 'warmCode' | 'apart' | 'safepoints'> | undefined;
  origin?: Pick<Origin, 'pid' | 'threadId'> | undefined;
  /** Turns V8's positions into those of the original sources. */
  map?: FrameMapper | undefined;
  /** Absolute path of the program's agent: its frames are left out. */
  agentFile?: string | null;
}

/** The thread's tree, samples and lines. Throws InputError if it is no such profile. */
export function readCpuProfile(
  value: unknown,
  { name = 'main thread', taken, origin, map, agentFile = null }: ReadCpuProfileOptions = {},
): ThreadProfile {
  const profile = toModern(objectOf(value, 'the profile'));
  if (!Array.isArray(profile.nodes) || profile.nodes.length === 0) throw bad('it has no nodes');
  const builder = new TreeBuilder();
  const toFrame = frameMapper(map);
  const nodes = profile.nodes.map((node) => objectOf(node, 'a node'));
  const { nodeOf, ours: isAgents } = placeNodes(nodes, builder, toFrame.frame, agentFile);
  const waits = taken === undefined && isSampledAwakeOnly(profile, nodes);
  const { samples, spanUs, ownById } = readSamples(profile, nodes, nodeOf, builder, waits);
  const sampleCount = Array.isArray(profile.samples) ? profile.samples.length : 0;
  return builder.build(name, {
    samples,
    lines: readLines(
      nodes.filter(({ id }) => !isAgents.has(numberOf(id, -1))),
      nodeOf,
      ownById,
      toFrame.line,
    ),
    taken: {
      ...takenOf(builder, samples, spanUs, taken ?? ours(profile)),
      ...(waits && { missedCount: null, sampleCount }),
    },
    origin: originOf(profile, origin),
  });
}

/** Frames and lines of the original sources, for positions of V8. */
export function frameMapper(map = createFrameMapper()) {
  return {
    frame(callFrame: Loose): ProfileFrame {
      const name = textOf(callFrame.functionName);
      const url = textOf(callFrame.url);
      const special = url === '' ? SPECIAL.get(name) : undefined;
      if (special) return { function: name, file: '', line: 0, column: 0, category: special };
      const line = numberOf(callFrame.lineNumber, -1) + 1;
      const column = numberOf(callFrame.columnNumber, -1) + 1;
      // Built-ins have neither a script nor a line.
      const file = url || (line > 0 && Number(callFrame.scriptId) > 0 ? EVAL_FILE : null);
      return profileFrame(map(functionFrame(name, file, Math.max(0, line), Math.max(0, column))));
    },
    /** A line of the generated code has no column: use its first one in the map. */
    line: (url: string, line: number): number => map(['', url, line, Number.MAX_SAFE_INTEGER]).line,
  };
}

/** Puts V8's nodes, which name their children, into the tree. By V8's id, the tree's node; and the ids of the agent's. */
function placeNodes(
  nodes: readonly Loose[],
  builder: TreeBuilder,
  toFrame: (callFrame: Loose) => ProfileFrame,
  agentFile: string | null,
): { nodeOf: Map<number, number>; ours: Set<number> } {
  const byId = new Map(nodes.map((node) => [numberOf(node.id, -1), node]));
  const parents = new Map<number, number>();
  for (const { id, children, parent } of nodes) {
    // Some writers name the parent instead of the children.
    if (typeof parent === 'number') parents.set(numberOf(id, -1), parent);
    if (Array.isArray(children)) for (const child of children) parents.set(numberOf(child, -1), numberOf(id, -1));
  }
  const partOf = agentParts(byId, parents, agentFile);
  const placed = new Map<number, number>();
  const parts = new Map<number, AgentPart>();
  /** The node above the agent's nodes. */
  const hosts = new Map<number, number>();
  for (const start of byId.keys()) {
    const way: number[] = [];
    let id: number | undefined = start;
    for (; id !== undefined && !placed.has(id) && byId.has(id); id = parents.get(id)) {
      way.push(id);
      if (way.length > byId.size) throw bad('its stacks are endless');
    }
    let at = id === undefined ? 0 : (placed.get(id) ?? 0);
    for (const next of way.reverse()) {
      const callFrame = objectOf(byId.get(next)!.callFrame, 'the callFrame of a node');
      const above = parents.get(next) ?? -1;
      const part = partOf(next, parts.get(above) ?? 'keep');
      const host = hosts.get(above) ?? at;
      if (part === 'agent') at = builder.child(host, builder.frame(AGENT_FRAME));
      else if (part === 'pass') at = host;
      else if (!isRoot(callFrame)) at = builder.child(host, builder.frame(toFrame(callFrame)));
      placed.set(next, at);
      if (part === 'keep') continue;
      parts.set(next, part);
      hosts.set(next, host);
    }
  }
  return { nodeOf: placed, ours: new Set(parts.keys()) };
}

function isRoot({ functionName, url }: Loose): boolean {
  return functionName === '(root)' && !url;
}

interface ReadSamples {
  samples: Samples | null;
  spanUs: number;
  /** By V8's id. */
  ownById: Map<number, number>;
}

/** Each sample accounts for the time until the next. Without samples, there are only hit counts. */
function readSamples(
  { samples: ids, timeDeltas, startTime, endTime }: Loose,
  nodes: readonly Loose[],
  nodeOf: ReadonlyMap<number, number>,
  builder: TreeBuilder,
  isIdleBetween: boolean,
): ReadSamples {
  const from = numberOf(startTime, 0);
  const spanUs = Math.min(MAX_US, Math.max(0, numberOf(endTime, from) - from));
  if (!Array.isArray(ids) || !Array.isArray(timeDeltas) || ids.length === 0) {
    return { samples: null, spanUs, ownById: spreadHits(nodes, nodeOf, builder, spanUs) };
  }
  if (ids.length !== timeDeltas.length) throw bad('it has different numbers of time deltas and samples');
  const count = ids.length;
  const samples = { node: new Uint32Array(count), atUs: new Float64Array(count), weight: new Float64Array(count) };
  let at = 0;
  for (let i = 0; i < count; i++) {
    const node = nodeOf.get(ids[i] as number);
    if (node === undefined) throw bad(`sample ${i} belongs to no node`);
    // V8 may list a later one first.
    at = Math.min(MAX_US, at + numberOf(timeDeltas[i], 0));
    samples.node[i] = node;
    samples.atUs[i] = Math.max(i > 0 ? samples.atUs[i - 1]! : 0, at);
  }
  for (let i = 0; i < count; i++) {
    const next = i + 1 < count ? samples.atUs[i + 1]! : Math.max(spanUs, samples.atUs[i]!);
    const weight = next - samples.atUs[i]!;
    samples.weight[i] = weight;
  }
  const ownById = new Map<number, number>();
  let idle: number | null = null;
  const idleNode = (): number => {
    idle = builder.child(0, builder.frame(IDLE));
    return idle;
  };
  const spread = isIdleBetween ? withIdleGaps(samples, medianGap(samples), idleNode) : samples;
  for (let i = 0, sample = 0; i < spread.node.length; i++) {
    builder.add(spread.node[i]!, spread.weight[i]!);
    if (spread.node[i] === idle) continue;
    const id = ids[sample++] as number;
    ownById.set(id, (ownById.get(id) ?? 0) + spread.weight[i]!);
  }
  return { samples: spread, spanUs: Math.max(spanUs, samples.atUs[count - 1]!), ownById };
}

/** Bun takes no samples while the thread waits, and has no node for that time; its clock is the wall's. */
function isSampledAwakeOnly({ startTime, evdiag }: Loose, nodes: readonly Loose[]): boolean {
  if (evdiag !== undefined || !(numberOf(startTime, 0) > WALL_CLOCK_US)) return false;
  return !nodes.some(({ callFrame }) => {
    const { functionName, url } = (callFrame ?? {}) as Loose;
    return !url && (functionName === '(idle)' || functionName === '(program)');
  });
}

function spreadHits(
  nodes: readonly Loose[],
  nodeOf: ReadonlyMap<number, number>,
  builder: TreeBuilder,
  spanUs: number,
): Map<number, number> {
  const hits = nodes.map(({ hitCount }) => weightOf(hitCount));
  const all = hits.reduce((sum, count) => sum + count, 0);
  // By its share: a time for each hit would be beyond all numbers where there are hardly any.
  const timeOf = (count: number): number => (spanUs > 0 ? (count / all) * spanUs : count);
  const ownById = new Map<number, number>();
  nodes.forEach(({ id }, i) => {
    if (hits[i]! === 0) return;
    const timeUs = timeOf(hits[i]!);
    builder.add(nodeOf.get(numberOf(id, -1)) ?? 0, timeUs);
    ownById.set(numberOf(id, -1), timeUs);
  });
  return ownById;
}

/** What we write beside V8's own. */
function ours({ evdiag }: Loose): ReadCpuProfileOptions['taken'] {
  if (typeof evdiag !== 'object' || evdiag === null) return undefined;
  const { interval, warmCode, apart, safepoints } = evdiag as Loose;
  const flag = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
  return {
    interval: numberOf(interval, 0) || null,
    warmCode: flag(warmCode),
    apart: flag(apart),
    ...(safepoints === true && { safepoints }),
  };
}

/** V8's times are the machine's monotonic clock; writers without that clock begin at 0, or at 1 s as our exporter does. */
function originOf({ startTime, evdiag }: Loose, known: ReadCpuProfileOptions['origin']): Origin {
  const header = typeof evdiag === 'object' && evdiag !== null ? (evdiag as Loose) : {};
  const startUs = numberOf(startTime, 0);
  const id = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);
  return {
    startUs: startUs > NO_CLOCK_US && startUs < WALL_CLOCK_US ? startUs : null,
    pid: id(header.pid) ?? known?.pid ?? null,
    threadId: id(header.threadId) ?? known?.threadId ?? null,
  };
}

function takenOf(
  builder: TreeBuilder,
  samples: Samples | null,
  spanUs: number,
  known: ReadCpuProfileOptions['taken'],
): Taken {
  if (known?.safepoints) {
    // None is taken while the thread is idle.
    const busy = samples?.node.filter((node) => builder.frameOf(node)?.category !== 'idle');
    return { spanUs, sampleCount: busy?.length ?? 0, missedCount: null, ...known };
  }
  const sampleCount = samples?.node.length ?? 0;
  const interval = known?.interval ?? medianGap(samples);
  return {
    spanUs,
    sampleCount,
    interval,
    missedCount: samples && interval ? missedIn(samples, interval) : null,
    warmCode: known?.warmCode ?? null,
    apart: known?.apart ?? null,
  };
}

function missedIn({ weight }: Samples, interval: number): number {
  let missed = 0;
  for (let i = 0; i < weight.length - 1; i++) {
    if (weight[i]! > GAP_INTERVALS * interval) missed += Math.round(weight[i]! / interval) - 1;
  }
  return missed;
}
