import type { Samples } from './types.ts';

/** After this many intervals without a sample, the thread waited. A sampler is late by less. */
const WAITED = 3;

/**
 * For samplers that take no sample while the thread waits: a sample accounts for one interval, and the rest of a long gap
 * after it is idle. Otherwise a second of sleep would belong to whatever ran before it.
 */
export function withIdleGaps(
  { node, atUs, weight }: Samples,
  interval: number | null,
  idleNode: () => number,
): Samples {
  const gaps = interval === null ? 0 : weight.reduce((count, one) => count + (one > WAITED * interval ? 1 : 0), 0);
  if (interval === null || gaps === 0) return { node, atUs, weight };
  const idle = idleNode();
  const count = node.length + gaps;
  const split = { node: new Uint32Array(count), atUs: new Float64Array(count), weight: new Float64Array(count) };
  let to = 0;
  const add = (its: number, at: number, lasts: number): void => {
    split.node[to] = its;
    split.atUs[to] = at;
    split.weight[to++] = lasts;
  };
  for (let i = 0; i < node.length; i++) {
    const isLong = weight[i]! > WAITED * interval;
    add(node[i]!, atUs[i]!, isLong ? interval : weight[i]!);
    if (isLong) add(idle, atUs[i]! + interval, weight[i]! - interval);
  }
  return split;
}

/** The usual time between two samples, µs; null if there are too few. */
export function medianGap(samples: Samples | null): number | null {
  if (!samples || samples.weight.length < 3) return null;
  const gaps = Float64Array.from(samples.weight.subarray(0, -1)).sort();
  return gaps[gaps.length >> 1]! || null;
}
