/** How busy the thread was over the span of a profile. */
import type { ThreadProfile } from '../../../profile/types.ts';

export interface Shares {
  /** 0..1 of the whole time. */
  idle: number;
  gc: number;
}

const sharesMade = new WeakMap<ThreadProfile, Shares>();

/** The shares of the time spent waiting and in the collector. */
export function sharesOf(thread: ThreadProfile): Shares {
  const known = sharesMade.get(thread);
  if (known) return known;
  const { self, frame, frames } = thread;
  let [all, idle, gc] = [0, 0, 0];
  for (let node = 0; node < self.length; node++) {
    const category = frames[frame[node]!]?.category;
    all += self[node]!;
    if (category === 'idle') idle += self[node]!;
    else if (category === 'gc') gc += self[node]!;
  }
  const shares = all > 0 ? { idle: idle / all, gc: gc / all } : { idle: 0, gc: 0 };
  sharesMade.set(thread, shares);
  return shares;
}

const BARS = '▁▂▃▄▅▆▇█';
const barsMade = new WeakMap<ThreadProfile, { width: number; bars: string }>();

/** A bar for each piece of the span, full if the thread was never idle in it; '' without times. */
export function busyBars(thread: ThreadProfile, width: number): string {
  const known = barsMade.get(thread);
  if (known?.width === width) return known.bars;
  const bars = toBars(thread, width);
  barsMade.set(thread, { width, bars });
  return bars;
}

function toBars({ samples, frame, frames, taken }: ThreadProfile, width: number): string {
  const spanUs = taken?.spanUs ?? 0;
  if (!samples || spanUs <= 0 || width <= 0) return '';
  const eachUs = spanUs / width;
  const busyUs = new Float64Array(width);
  for (let i = 0; i < samples.node.length; i++) {
    if (frames[frame[samples.node[i]!]!]?.category === 'idle') continue;
    const endUs = Math.min(spanUs, samples.atUs[i]! + samples.weight[i]!);
    // One sample may be in several pieces.
    for (let atUs = samples.atUs[i]!; atUs < endUs; ) {
      const piece = Math.min(width - 1, Math.floor(atUs / eachUs));
      const untilUs = piece === width - 1 ? endUs : Math.min(endUs, (piece + 1) * eachUs);
      busyUs[piece]! += untilUs - atUs;
      // If rounding leaves it in its piece, go on anyway.
      atUs = untilUs > atUs ? untilUs : endUs;
    }
  }
  return Array.from(busyUs, (us) => BARS[Math.min(7, Math.max(0, Math.round((us / eachUs) * 7)))]).join('');
}
