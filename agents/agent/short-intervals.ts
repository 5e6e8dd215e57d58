import { builtIn } from '../built-in.ts';
import { createSensor, isOff } from '../guard.ts';
import { apply, globalObject, NativeNumber, NativeWeakRef } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, like } from './replace.ts';
import { callSites } from './stack.ts';
import { askForRoom } from './timer-room.ts';

/** An interval of this or less is a poll: it turns the loop hundreds of times a second. */
const SHORT_MS = 4;
const MAX_INTERVALS = 32;
const SITE_FRAMES = 16;

const sensor = createSensor('the places of short intervals');

interface ShortInterval {
  timer: WeakRef<NodeJS.Timeout>;
  frames: RawFrame[];
}

/** The creation sites of intervals short enough to be polls: later they are not on the stack. */
const intervals: ShortInterval[] = [];

/** Wraps `setInterval`: similar functions leave their line on the stacks of what they call next. */
export function watchShortIntervals(): void {
  const timers = builtIn<Record<string, unknown>>('timers')!;
  const original = timers.setInterval as AnyFunction;
  const wrapper = like(original, function markedCall(this: unknown, ...args) {
    askForRoom();
    const timer = apply(original, this, args) as NodeJS.Timeout;
    try {
      if (!isOff(sensor) && !(NativeNumber(args[1] ?? 0) > SHORT_MS)) note(timer, wrapper);
    } catch (error) {
      sensor.caught = { error };
    }
    return timer;
  });
  replaceUntilLeft(timers, 'setInterval', original, wrapper);
  if ((globalObject.setInterval as unknown) === original) {
    replaceUntilLeft(globalObject as unknown as Record<string, unknown>, 'setInterval', original, wrapper);
  }
}

function note(timer: NodeJS.Timeout, below: AnyFunction): void {
  if (intervals.length >= MAX_INTERVALS) intervals.shift();
  intervals.push({
    timer: new NativeWeakRef(timer),
    frames: callSites(SITE_FRAMES, below as (...args: never[]) => unknown),
  });
}

/** The sites of those that still run. */
export function shortIntervals(): RawFrame[][] {
  return intervals.filter(({ timer }) => isActive(timer.deref())).map(({ frames }) => frames);
}

/** Node has no public property for it: a cleared timer is marked as destroyed. */
function isActive(timer: NodeJS.Timeout | undefined): boolean {
  return timer !== undefined && (timer as unknown as { _destroyed?: boolean })._destroyed !== true;
}
