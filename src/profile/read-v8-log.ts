/**
 * What `node --prof-process --preprocess` makes of V8's log, and 0x keeps beside its page.
 * Its ticks: `tm` µs since the start, `vm` V8's state, `s` pairs of code and position, innermost first.
 */

import { medianGap, withIdleGaps } from './idle-gaps.ts';
import { arrayOf, bad, type Loose, MAX_US, numberOf, objectOf } from './loose.ts';
import { COLLECTOR, COMPILER, IDLE, LOGGING, PROGRAM, tickFrames } from './tick-frames.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { ProfileFrame, ThreadProfile } from './types.ts';

/** https://source.chromium.org/chromium/chromium/src/+/main:v8/include/v8-unwinder.h, StateTag; 9 is new in Node 24, 10 in Node 26. */
const STATES: ReadonlyMap<unknown, ProfileFrame> = new Map([
  [1, COLLECTOR],
  [2, COMPILER],
  [3, COMPILER],
  [4, COMPILER],
  [9, LOGGING],
]);
const IDLE_STATES: ReadonlySet<unknown> = new Set([8, 10]);

/**
 * Its weights are µs: a tick accounts for the time until the next. Node blocks the sampler's signal while it waits for events,
 * so there are no ticks then. Throws InputError if it is no such log.
 */
export function readV8Log(value: unknown): ThreadProfile {
  const log = objectOf(value, 'the log');
  const codes = arrayOf(log.code, '"code"').map((code) => objectOf(code, 'a code'));
  const ticks = arrayOf(log.ticks, '"ticks"').map((tick) => objectOf(tick, 'a tick'));
  if (ticks.length === 0) throw bad('it has no samples');
  const builder = new TreeBuilder();
  const toFrame = once(codes, tickFrames());
  const node = Uint32Array.from(ticks, (tick) =>
    builder.stack(stackOf(tick, toFrame).map((frame) => builder.frame(frame))),
  );
  const atUs = timesOf(ticks);
  const ticked = { node, atUs, weight: Float64Array.from(atUs, (at, i) => (atUs[i + 1] ?? at) - at) };
  const interval = medianGap(ticked) ?? 1000;
  ticked.weight[node.length - 1] = interval;
  const samples = withIdleGaps(ticked, interval, () => builder.child(0, builder.frame(IDLE)));
  for (const [i, at] of samples.node.entries()) builder.add(at, samples.weight[i]!);
  const spanUs = atUs.at(-1)! + interval;
  const taken = { spanUs, sampleCount: node.length, interval, missedCount: null, warmCode: null, apart: null };
  return builder.build('main thread', { samples, taken });
}

/** Times since the first tick, in order. */
function timesOf(ticks: readonly Loose[]): Float64Array {
  const from = numberOf(ticks[0]!.tm, 0);
  let last = 0;
  return Float64Array.from(ticks, ({ tm }) => {
    last = Math.min(MAX_US, Math.max(last, numberOf(tm, from) - from));
    return last;
  });
}

/** Outermost first. */
function stackOf({ s, vm }: Loose, toFrame: (code: number) => ProfileFrame | null): ProfileFrame[] {
  if (IDLE_STATES.has(vm)) return [IDLE];
  const stack: ProfileFrame[] = [];
  const pairs = arrayOf(s, 'the stack of a tick');
  for (let i = pairs.length - (pairs.length % 2 === 0 ? 2 : 1); i >= 0; i -= 2) {
    const frame = toFrame(numberOf(pairs[i], -1));
    if (frame) stack.push(frame);
  }
  const state = STATES.get(vm);
  if (state) stack.push(state);
  return stack.length > 0 ? stack : [PROGRAM];
}

/** By index, null where V8 did not know the address. */
function once(
  codes: readonly Loose[],
  toFrame: (code: Loose) => ProfileFrame | null,
): (index: number) => ProfileFrame | null {
  const known = new Map<number, ProfileFrame | null>();
  return (index) => {
    if (!known.has(index)) known.set(index, codes[index] ? toFrame(codes[index]) : null);
    return known.get(index)!;
  };
}
