import type { Location } from '../recording/types.ts';
import { placeText } from '../util/place-text.ts';
import { formatMs, plural, stripControl } from '../util/text.ts';
import type { Leftover } from './types.ts';

/** Leftovers named in a message; `left` has them all. */
const MAX_LINES = 20;

/** Work that left things behind. `left` has them; the message names each in one line. */
export class LeakError extends Error {
  override readonly name = 'LeakError';
  readonly left: readonly Leftover[];

  /**
   * @param subject What was run, as the message names it.
   * @param left What it left behind, at least one.
   * @param end What is to be said after "left … behind": since when, and by what it was given time.
   */
  constructor(subject: string, left: readonly Leftover[], end: string) {
    const things = plural(
      left.reduce((sum, { count }) => sum + count, 0),
      'thing',
    );
    super(`${subject} left ${things} behind${end}:\n${leftoverLines(left).join('\n')}`);
    this.left = left;
  }
}

/** One line for each: "  interval of 1000 ms · src/poll.ts:12:18 startPolling · 3 × · 1.2 s old". */
function leftoverLines(left: readonly Leftover[]): string[] {
  const lines = left.slice(0, MAX_LINES).map((one) => `  ${leftoverText(one)}`);
  return left.length > MAX_LINES ? [...lines, `  and ${left.length - MAX_LINES} more places`] : lines;
}

function leftoverText({ what, location, callers, count, ageMs }: Leftover): string {
  const caller = callers[0];
  const parts = [
    stripControl(what),
    seenAt(location),
    ...(caller ? [`called at ${seenAt(caller)}`] : []),
    ...(count > 1 ? [`${count} ×`] : []),
    `${formatMs(ageMs)} old`,
  ];
  return parts.join(' · ');
}

export function seenAt(location: Location | null): string {
  return location ? placeText(location) : 'at an unknown line';
}
