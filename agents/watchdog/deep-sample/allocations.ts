import type { V8AllocationNode, V8AllocationProfile } from '../../../src/protocol/allocation-parts.ts';
import { lineKey, toLocation } from '../../../src/recording/places.ts';
import { functionFrame } from '../../../src/recording/source-maps.ts';
import type { AllocationSite, Frame, Location } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { keepingLine } from './keeping-line.ts';

const MAX_PLACES = 12;
/** As it is built. */
const AGENT_FILE = '/dist/agent.cjs';
/** Its functions that pass calls on from the program to a built-in (sync-calls.ts): what that allocates is the program's. */
const WRAPPERS = ['markedCall', 'parse'];

type ToFrame = (raw: RawFrame) => Frame;

/**
 * Bytes by the user's own function that allocated them, itself or through what it called; the heaviest places.
 * V8 reports the function, not the line: the position is the function's start.
 */
export function summarizeAllocations(profile: V8AllocationProfile, toFrame: ToFrame) {
  const places = new Map<string, { bytes: number; location: Location }>();
  for (const { node, owner } of ownersOf(profile, toFrame)) {
    if (!owner || node.selfSize === 0) continue;
    const place = places.get(lineKey(owner));
    if (place) place.bytes += node.selfSize;
    else places.set(lineKey(owner), { bytes: node.selfSize, location: owner });
  }
  return [...places.values()].sort((a, b) => b.bytes - a.bytes).slice(0, MAX_PLACES);
}

/** What is alive, by such functions, and how much of it was allocated in the first half of the samples. */
export function summarizeKept(
  profile: V8AllocationProfile,
  toFrame: ToFrame,
): { aliveBytes: number; sites: AllocationSite[] } {
  const samplesOf = byNode(profile.samples);
  const half = profile.samples.reduce((most, { ordinal }) => Math.max(most, ordinal), 0) / 2;
  const sites = new Map<string, AllocationSite>();
  let aliveBytes = 0;
  for (const { node, owner } of ownersOf(profile, toFrame)) {
    for (const { size, ordinal } of samplesOf.get(node.id) ?? []) {
      aliveBytes += size;
      if (!owner) continue;
      const site = sites.get(lineKey(owner)) ?? {
        location: owner,
        line: null,
        aliveBytes: 0,
        olderBytes: 0,
        samples: 0,
      };
      sites.set(lineKey(owner), site);
      site.aliveBytes += size;
      site.samples++;
      if (ordinal <= half) site.olderBytes += size;
    }
  }
  const heaviest = [...sites.values()].sort((a, b) => b.aliveBytes - a.aliveBytes).slice(0, MAX_PLACES);
  return { aliveBytes, sites: heaviest.map((site) => ({ ...site, line: keepingLine(site.location) })) };
}

/** Each node with the user's own function that it belongs to: itself, or its caller. */
function* ownersOf(
  { head }: V8AllocationProfile,
  toFrame: ToFrame,
): Generator<{ node: V8AllocationNode; owner: Location | null }> {
  const stack: { node: V8AllocationNode; owner: Location | null }[] = [{ node: head, owner: null }];
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { functionName, url, lineNumber, columnNumber } = item.node.callFrame;
    if (url.endsWith(AGENT_FILE)) {
      // The agent's own allocations are not the program's; those of calls that it passes on are.
      if (WRAPPERS.includes(functionName)) yield item;
      for (const child of item.node.children) stack.push({ node: child, owner: item.owner });
      continue;
    }
    const frame = toFrame(functionFrame(functionName, url || null, lineNumber + 1, columnNumber + 1));
    const owner =
      frame.category === 'application' || (frame.category === 'dependency' && !item.owner)
        ? toLocation(frame)
        : item.owner;
    yield { node: item.node, owner };
    for (const child of item.node.children) stack.push({ node: child, owner });
  }
}

function byNode(samples: V8AllocationProfile['samples']): Map<number, V8AllocationProfile['samples']> {
  const groups = new Map<number, V8AllocationProfile['samples']>();
  for (const sample of samples) {
    const group = groups.get(sample.nodeId);
    if (group) group.push(sample);
    else groups.set(sample.nodeId, [sample]);
  }
  return groups;
}
