/** Stacks of a deep sample: whose functions they are. */
import { functionKey, toLocation } from '../recording/places.ts';
import type { DeepSampleRow, Frame, Location } from '../recording/types.ts';

/** The innermost frame of the user's own code, or of a package. */
export function innermost(frames: readonly Frame[]): Frame | null {
  const own = frames.find(({ category, awaits }) => category === 'application' && !awaits);
  const any = own ?? frames.find(({ category }) => category === 'application');
  return any ?? frames.find(({ category }) => category === 'dependency') ?? null;
}

/** The user's own frame that the loop called: the callback. */
export function callback(frames: readonly Frame[]): Frame | null {
  const running = frames.filter(({ awaits }) => !awaits);
  return running.findLast(({ category }) => category === 'application') ?? innermost(frames);
}

export interface HotFunction {
  location: Location;
  /** Share of the stacks that have a frame at all. */
  share: number;
  frames: readonly Frame[];
}

/** Functions by their share of a deep sample's stacks, each with its busiest line. */
export function functionsOf(
  deepSample: DeepSampleRow,
  frameOf: (frames: readonly Frame[]) => Frame | null = innermost,
): HotFunction[] {
  const groups = new Map<string, Map<number, { count: number; location: Location; frames: readonly Frame[] }>>();
  let total = 0;
  for (const { count, frames } of deepSample.stacks) {
    total += count;
    const frame = frameOf(frames);
    if (!frame) continue;
    const key = functionKey(frame);
    const lines = groups.get(key) ?? new Map();
    groups.set(key, lines);
    const line = lines.get(frame.line) ?? { count: 0, location: toLocation(frame), frames };
    line.count += count;
    lines.set(frame.line, line);
  }
  return [...groups.values()]
    .map((lines) => {
      const sorted = [...lines.values()].sort((a, b) => b.count - a.count);
      const count = sorted.reduce((sum, line) => sum + line.count, 0);
      return { location: sorted[0]!.location, frames: sorted[0]!.frames, share: count / Math.max(1, total) };
    })
    .sort((a, b) => b.share - a.share);
}

/** A stack as findings show it. */
export function toStack(frames: readonly Frame[]): Location[] {
  return frames.filter(({ file }) => file !== '').map(toLocation);
}
