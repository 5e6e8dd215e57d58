/** `ticks.json` of 0x --write-ticks, and the `-samples` of clinic flame: a list of stacks, outermost first, no times. */
import { arrayOf, bad, objectOf } from './loose.ts';
import { PROGRAM, tickFrames } from './tick-frames.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { ThreadProfile } from './types.ts';

/** Its weights are samples. Throws InputError if it is no such list. */
export function readTicks(value: unknown): ThreadProfile {
  const builder = new TreeBuilder();
  const toFrame = tickFrames();
  const ticks = arrayOf(value, 'the list of stacks');
  if (ticks.length === 0) throw bad('it has no samples');
  for (const tick of ticks) {
    const frames = arrayOf(tick, 'a stack').flatMap((code) => toFrame(objectOf(code, 'a frame')) ?? []);
    const stack = frames.length > 0 ? frames : [PROGRAM];
    builder.add(builder.stack(stack.map((frame) => builder.frame(frame))), 1);
  }
  const taken = {
    spanUs: 0,
    sampleCount: ticks.length,
    interval: null,
    missedCount: null,
    warmCode: null,
    apart: null,
  };
  return builder.build('main thread', { taken });
}
