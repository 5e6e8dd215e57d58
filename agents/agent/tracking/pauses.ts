import { NativeMap, NativeNumber } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { isLibrarys, isNodes, type Site } from './sites.ts';

/** A timer that is cleared before was a time-out, not a pause. */
const FIRED_SHARE = 0.9;
/** An interval so near to what is called belongs to it: both are of one class, or one closure. */
const INTERVAL_LINES = 20;
/** What is handed to `then` begins at most so many lines below it. */
const CALLBACK_LINES = 3;

type Below = RawFrame[];

/**
 * How many timers that ran to their end were started below each of these lines: what waits for one waits on purpose. Also by what a function
 * below it hands to `then`, as limits on the rate do: that is called later, where nothing of the line is on the stack. Where such a function
 * has an interval beside it, each of the `waits` may be for that.
 */
export function pausesBelow(
  lines: readonly RawFrame[],
  sites: readonly Site[],
): (line: RawFrame, waits: number) => number {
  const timers = sites.filter(isPause);
  const intervals = sites.filter(({ what, detail, alive }) => what === 'handle' && detail === 'interval' && alive > 0);
  if (timers.length + intervals.length === 0) return () => 0;
  const below = linesBelow(lines, sites);
  return (line, waits) => {
    const [, url, at] = line;
    const within = below.get(url)?.get(at) ?? [];
    let fired = 0;
    for (const { frames, ended } of timers) {
      if (frames.some((frame) => (frame[1] === url && frame[2] === at) || within.some((one) => isAt(frame, one)))) {
        fired += ended;
      }
    }
    const isBeside = intervals.some(({ frames }) => {
      const own = frames.find((frame) => !isNodes(frame));
      return own !== undefined && within.some((one) => isNear(own, one));
    });
    return isBeside && fired < waits ? waits : fired;
  };
}

function isPause({ what, type, detail, ended, position }: Site): boolean {
  if (what !== 'handle' || type !== 'Timeout' || ended === 0) return false;
  return !((position.durations.maxMs ?? 0) < NativeNumber.parseFloat(detail) * FIRED_SHARE);
}

function isAt([, url, line]: RawFrame, [, file, at]: RawFrame): boolean {
  if (url !== file) return false;
  return isLibrarys(url) || (line >= at && line <= at + CALLBACK_LINES);
}

function isNear([, url, line]: RawFrame, [, file, at]: RawFrame): boolean {
  return url === file && (isLibrarys(url) || (line >= at - INTERVAL_LINES && line <= at + INTERVAL_LINES));
}

/** What was seen to be called from each, by file and line. */
function linesBelow(lines: readonly RawFrame[], sites: readonly Site[]): Map<string | null, Map<number, Below>> {
  const below = new NativeMap<string | null, Map<number, Below>>();
  for (const [, url, line] of lines) {
    const inFile = below.get(url) ?? new NativeMap<number, Below>();
    below.set(url, inFile.set(line, []));
  }
  for (const { frames, what } of sites) {
    if (what === 'handle' || what === 'listener') continue;
    for (let i = 1; i < frames.length; i++) {
      const found = below.get(frames[i]![1])?.get(frames[i]![2]);
      for (let inner = 0; found && inner < i; inner++) add(found, frames[inner]!);
    }
  }
  return below;
}

function add(below: Below, frame: RawFrame): void {
  if (!isNodes(frame) && !below.some((one) => one[1] === frame[1] && one[2] === frame[2])) below.push(frame);
}
