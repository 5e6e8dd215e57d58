/**
 * What v8-profiler and its successors write (`typeId: 'CPU'`), and Chrome did before 2017: a tree in `head`, `startTime` and
 * `endTime` in seconds, `timestamps` of the samples in µs. Lines and columns are 1-based. v8-profiler-next also writes the
 * list `nodes` of today, with the same places.
 */
import { bad, type Loose, numberOf, objectOf } from './loose.ts';

/** Whether a profile with a `head` is a CPU profile: those of allocations have one too. */
export function isOldCpuProfile({ head, typeId, timestamps }: Loose): boolean {
  const hasHits = typeof head === 'object' && head !== null && 'hitCount' in head;
  return typeof head === 'object' && (typeId === 'CPU' || Array.isArray(timestamps) || hasHits);
}

/** Converts it to V8's current format; one in that format is returned as it is. Throws InputError. */
export function toModern(profile: Loose): Loose {
  if (isOldCpuProfile(profile)) return { ...timesOf(profile), nodes: flattened(objectOf(profile.head, 'its head')) };
  if (profile.typeId !== 'CPU' || !Array.isArray(profile.nodes)) return profile;
  const nodes = profile.nodes.map((one) => {
    const node = objectOf(one, 'a node');
    const callFrame = objectOf(node.callFrame, 'the callFrame of a node');
    return { ...node, callFrame: frameOf(callFrame), positionTicks: ticksOf(callFrame.lineTicks) };
  });
  return { ...profile, nodes };
}

function flattened(head: Loose): Loose[] {
  const nodes: Loose[] = [];
  const open: { of: Loose; parent?: unknown }[] = [{ of: head }];
  const seen = new Set<unknown>();
  for (let next = open.pop(); next; next = open.pop()) {
    const { of, parent } = next;
    const id = numberOf(of.id, -1 - nodes.length);
    if (seen.has(id)) throw bad(`two of its nodes have the number ${id}`);
    seen.add(id);
    nodes.push({ id, parent, hitCount: of.hitCount, callFrame: frameOf(of), positionTicks: ticksOf(of.lineTicks) });
    if (!Array.isArray(of.children)) continue;
    for (const child of of.children) open.push({ of: objectOf(child, 'a child'), parent: id });
  }
  return nodes;
}

function frameOf({ functionName, url, scriptId, lineNumber, columnNumber }: Loose): Loose {
  const place = { lineNumber: numberOf(lineNumber, 0) - 1, columnNumber: numberOf(columnNumber, 0) - 1 };
  return { functionName, url, scriptId, ...place };
}

function ticksOf(lineTicks: unknown): Loose[] | undefined {
  if (!Array.isArray(lineTicks)) return undefined;
  return lineTicks.map((tick) => {
    const { line, hitCount } = objectOf(tick, 'a tick');
    return { line, ticks: hitCount };
  });
}

/** Start and end are whole seconds in some versions: the samples are more exact. */
function timesOf({ startTime, endTime, samples, timestamps }: Loose): Loose {
  const [startUs, endUs] = [numberOf(startTime, 0) * 1e6, numberOf(endTime, 0) * 1e6];
  if (!Array.isArray(samples) || !Array.isArray(timestamps) || timestamps.length === 0)
    return { startTime: startUs, endTime: endUs };
  const first = numberOf(timestamps[0], startUs);
  let last = first;
  const timeDeltas = timestamps.map((timestamp) => {
    const before = last;
    last = numberOf(timestamp, before);
    return last - before;
  });
  const each = (last - first) / Math.max(1, timestamps.length - 1);
  return { startTime: first, endTime: last + each, samples, timeDeltas };
}
