import { builtIn } from '../built-in.ts';
import { apply, globalObject } from '../primordials.ts';
import { replaceUntilLeft } from './leaving.ts';
import { areHooksInPlace } from './own-hooks.ts';
import { type AnyFunction, like } from './replace.ts';

/** Calls that need more room on the stack than Node and an `init` hook do, until the hook catches by itself what it throws. */
const CALLS = 16;

/**
 * Wraps `setTimeout`, so that a stack without room for async hooks overflows before Node begins.
 *
 * Node (20–26) first counts a timer as one that keeps the process alive, then calls the hooks, and then puts it in its list. An
 * overflow in between leaves the count, and the process never ends. Without hooks nothing there needs more room than what came before.
 */
export function keepRoomForTimers(): void {
  const timers = builtIn<Record<string, unknown>>('timers')!;
  const original = timers.setTimeout as AnyFunction;
  const wrapper = like(original, function markedCall(this: unknown) {
    askForRoom();
    // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
    return apply(original, this, arguments);
  });
  replaceUntilLeft(timers, 'setTimeout', original, wrapper);
  if ((globalObject.setTimeout as unknown) === original) {
    replaceUntilLeft(globalObject as unknown as Record<string, unknown>, 'setTimeout', original, wrapper);
  }
}

/** Throws what the program's own calls would throw there. */
export function askForRoom(): void {
  if (areHooksInPlace()) needRoom(CALLS);
}

/** Throws a RangeError where the stack has no room for so many calls. */
export function needRoom(calls: number): void {
  need(calls, 1, 2, 3, 4, 5);
}

/** The arguments change places, so that V8 cannot make one call of all. */
function need(calls: number, a: number, b: number, c: number, d: number, e: number): number {
  return calls === 0 ? a : need(calls - 1, b, c, d, e, a) + 1;
}
