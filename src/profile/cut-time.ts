import { firstIndex } from '../util/numbers.ts';
import type { Origin, Samples, ThreadProfile } from './types.ts';

/** ms since the profile began. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** What ran within the ranges. A sample on an edge counts with its part inside; what follows a gap moves up. */
export function inRanges(thread: ThreadProfile, ranges: readonly TimeRange[]): ThreadProfile {
  const self = new Float64Array(thread.self.length);
  const [nodes, times, weights]: [number[], number[], number[]] = [[], [], []];
  let before = 0;
  for (const { fromMs, toMs } of ranges) {
    const [fromUs, toUs] = [fromMs * 1000, Math.min(toMs * 1000, endOf(thread))];
    const { node, atUs, weight } = thread.samples!;
    for (let i = firstBehind(thread.samples!, fromUs); i < node.length && atUs[i]! < toUs; i++) {
      const at = Math.max(fromUs, atUs[i]!);
      const inside = Math.min(toUs, atUs[i]! + weight[i]!) - at;
      if (inside <= 0) continue;
      self[node[i]!]! += inside;
      nodes.push(node[i]!);
      times.push(before + at - fromUs);
      weights.push(inside);
    }
    before += Math.max(0, toUs - fromUs);
  }
  const samples: Samples = {
    node: Uint32Array.from(nodes),
    atUs: Float64Array.from(times),
    weight: Float64Array.from(weights),
  };
  const taken = thread.taken && { ...thread.taken, spanUs: before, sampleCount: nodes.length, missedCount: null };
  // V8 gives lines only for the whole time.
  return { ...thread, self, samples, taken, lines: null, origin: originOf(thread, ranges) };
}

/** The index of the first sample that ends after that time. */
function firstBehind({ atUs, weight }: Samples, us: number): number {
  return firstIndex(atUs.length, (i) => atUs[i]! + weight[i]! > us);
}

function endOf({ samples, taken }: ThreadProfile): number {
  const last = samples!.node.length - 1;
  return Math.max(taken?.spanUs ?? 0, last < 0 ? 0 : samples!.atUs[last]! + samples!.weight[last]!);
}

/** With a gap its times are no longer those of a clock. */
function originOf({ origin }: ThreadProfile, ranges: readonly TimeRange[]): Origin | null {
  if (!origin) return null;
  const [only] = ranges;
  const isClock = ranges.length === 1 && origin.startUs !== null;
  return { ...origin, startUs: isClock ? origin.startUs! + only!.fromMs * 1000 : null };
}
