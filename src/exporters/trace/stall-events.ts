import type { StallRow } from '../../recording/types.ts';
import { frameName, fullPlace } from './text.ts';
import type { ThreadEvent } from './types.ts';

const MAX_FRAMES = 40;

/** The stall as one slice, below it its stacks one after the other, outermost frame first. */
export function stallEvents(stall: StallRow, at: (ms: number) => number): ThreadEvent[] {
  const { startMs, durationMs, kind, location, stacks, cpuMs, gcMs, confidence, startup } = stall;
  const cat = 'stall';
  const events: ThreadEvent[] = [
    {
      ph: 'X',
      cat,
      name: `blocked by ${kind}${location ? ` in ${location.function || '(anonymous)'}` : ''}`,
      ts: at(startMs),
      // Both ends are rounded: what follows at once begins where this ends.
      dur: at(startMs + durationMs) - at(startMs),
      args: { at: fullPlace(location), cpuMs, gcMs, confidence, startup },
    },
  ];
  const weight = stacks.reduce((sum, { weightMs }) => sum + weightMs, 0);
  // The stacks account for no more than the stall.
  const scale = weight > durationMs ? durationMs / weight : 1;
  let from = startMs;
  for (const { weightMs, frames } of stacks) {
    const to = Math.min(from + weightMs * scale, startMs + durationMs);
    const shown = frames.filter(({ function: name, file }) => name !== '' || file !== '').slice(0, MAX_FRAMES);
    const dur = at(to) - at(from);
    for (const frame of dur > 0 ? shown.reverse() : []) {
      events.push({ ph: 'X', cat, name: frameName(frame), ts: at(from), dur, args: { at: fullPlace(frame) } });
    }
    from = to;
  }
  return events;
}
