/** What the top level of a module awaited when the program had nothing left to do. */

import { toLocation } from '../recording/places.ts';
import { type Frame, type Location, rowsOf, type View } from '../recording/types.ts';
import { UNSETTLED_EXIT_CODE } from '../util/exit-codes.ts';

/** Where the body of a module begins. */
const BODY = '1:1';

export interface TopLevelWait {
  /** From the innermost call that waits to the top level. */
  path: Location[];
}

/** Null for a program that ended in another way, or where nobody could ask V8. */
export function topLevelWait(recording: View<'end' | 'waits'>): TopLevelWait | null {
  const [end] = rowsOf(recording, 'end');
  if (end?.exitCode !== UNSETTLED_EXIT_CODE) return null;
  const last = rowsOf(recording, 'waits').at(-1);
  const paths = (last?.groups ?? []).flatMap(({ chain }) => {
    const frames = chain.flatMap((i) => last!.frames[i] ?? []).filter(isTheirs);
    return isTopLevel(frames.at(-1)) ? [frames.map(toLocation)] : [];
  });
  // Those of calls in between are parts of the longest.
  const path = paths.sort((a, b) => b.length - a.length)[0];
  return path ? { path } : null;
}

function isTheirs({ category }: Frame): boolean {
  return category === 'application' || category === 'dependency';
}

/** A module is a function without a name, from its first character on. */
function isTopLevel(frame: Frame | undefined): boolean {
  return frame !== undefined && frame.function === '' && frame.start === BODY;
}
