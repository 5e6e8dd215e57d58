/**
 * `.heapprofile`: V8's sampling of allocations, as Chrome DevTools opens it.
 * Format: https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#type-SamplingHeapProfile. Sizes are bytes.
 */
import type { FrameMapper } from '../recording/source-maps.ts';
import { type Loose, numberOf, objectOf, weightOf } from './loose.ts';
import { frameMapper } from './read-cpuprofile.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { ThreadProfile } from './types.ts';

export interface ReadHeapProfileOptions {
  name?: string;
  /** Mean bytes between two samples, if known. */
  interval?: number | null;
  /** Turns V8's positions into those of the original sources. */
  map?: FrameMapper;
}

/** The tree of one thread, in bytes. Throws InputError if it is no such profile. */
export function readHeapProfile(
  value: unknown,
  { name = 'main thread', interval = null, map }: ReadHeapProfileOptions = {},
): ThreadProfile {
  const profile = objectOf(value, 'the profile');
  const builder = new TreeBuilder();
  const { frame: toFrame } = frameMapper(map);
  // Without recursion: it may be nested to any depth.
  const open: { of: Loose; node: number }[] = [{ of: objectOf(profile.head, 'its head'), node: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    builder.add(next.node, weightOf(next.of.selfSize));
    if (!Array.isArray(next.of.children)) continue;
    for (const one of next.of.children) {
      const child = objectOf(one, 'a child');
      const frame = builder.frame(toFrame(objectOf(child.callFrame, 'the callFrame of a node')));
      open.push({ of: child, node: builder.child(next.node, frame) });
    }
  }
  // What we wrote has a sample for each node, and says how many there were.
  const ours = typeof profile.evdiag === 'object' && profile.evdiag !== null ? (profile.evdiag as Loose) : {};
  const sampleCount = numberOf(ours.sampleCount, Array.isArray(profile.samples) ? profile.samples.length : 0);
  const each = numberOf(ours.interval, interval ?? 0) || null;
  const taken = { spanUs: 0, sampleCount, interval: each, missedCount: null, warmCode: null, apart: null };
  return builder.build(name, { taken });
}
