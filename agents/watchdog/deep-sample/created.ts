import type { HookCounts, RawProgramHooks } from '../../../src/protocol/thread-api.ts';
import { packageNameOf } from '../../../src/recording/places.ts';
import type { DeepSampleRow, Frame, Location, ProgramHooks } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { placeOf } from '../stall/classify.ts';

const MAX_SITES = 8;

/** What the hooks of a deep sample counted, at the user's own lines. */
export function summarizeCreated(counts: HookCounts, toFrame: (raw: RawFrame) => Frame): DeepSampleRow['created'] {
  const { wallMs, cpuMs, promises, resources } = counts;
  return {
    wallMs,
    cpuMs,
    promises,
    resources: resources
      .sort((a, b) => b.count - a.count)
      .map(({ type, count, sites }) => ({ type, count, sites: mergeSites(sites, toFrame) })),
  };
}

/** By the user's own line. */
function mergeSites(sites: { count: number; frames: RawFrame[] }[], toFrame: (raw: RawFrame) => Frame) {
  const merged = new Map<string, { count: number; location: Location | null }>();
  for (const { count, frames } of sites) {
    const location = placeOf(frames.map(toFrame));
    const key = `${location?.file}:${location?.line}`;
    const seen = merged.get(key);
    if (seen) seen.count += count;
    else merged.set(key, { count, location });
  }
  return [...merged.values()].sort((a, b) => b.count - a.count).slice(0, MAX_SITES);
}

/** Who put in what, at the user's own lines, with the package that did it for them. */
export function summarizeProgramHooks(
  { storages, storagePlaces, hooks }: RawProgramHooks,
  toFrame: (raw: RawFrame) => Frame,
): ProgramHooks {
  return {
    storages,
    storageSites: mergeSites(storagePlaces, toFrame),
    hooks: hooks.map(({ frames: raw, ...hook }) => {
      const frames = raw.map(toFrame);
      const owner = frames[0]?.category === 'dependency' ? packageNameOf(frames[0].file) : null;
      return { ...hook, location: placeOf(frames), ...(owner !== null && { package: owner }) };
    }),
  };
}
