/**
 * What the agent has put into the thread, to be undone when it leaves (`evdiag detach`): wrappers, listeners, timers, hooks.
 *
 * What goes with its own beginning and end (tracking, a look, a capture) is ended by its owner. Here is what stays for as long as the
 * agent does.
 */
import { leaveSensors } from '../guard.ts';
import { apply } from '../primordials.ts';
import { type AnyFunction, putBack, replace } from './replace.ts';

let undoings: (() => void)[] = [];

/** Called once, when the agent leaves: what came last goes first. */
export function onLeave(undo: () => void): void {
  undoings[undoings.length] = undo;
}

/** `replace`, until the agent leaves. */
export function replaceUntilLeft(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  wrapper: AnyFunction,
): void {
  replace(holder, name, original, wrapper);
  onLeave(() => putBack(holder, name, original, wrapper));
}

/** Undoes all of it. What fails is left as it is: the others go all the same. */
export function undoAll(): void {
  const all = undoings;
  undoings = [];
  leaveSensors();
  for (let i = all.length - 1; i >= 0; i--) {
    try {
      apply(all[i]!, undefined, []);
    } catch {
      // The program has taken away what it stood on.
    }
  }
}
