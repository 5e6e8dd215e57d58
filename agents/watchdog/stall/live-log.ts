import { threadName } from '../../../src/recording/thread-name.ts';
import type { ChainKind, Location, StallKind, Work } from '../../../src/recording/types.ts';
import { printLine } from '../../../src/util/print-line.ts';
import { displayPath, stripControl } from '../../../src/util/text.ts';

/** The same place is logged again after this time at the earliest. */
const REPEAT_MS = 10_000;
const MAX_PLACES = 200;
/** In total: some 30 kB, less than any pipe or socket holds, even if it is never read. */
const MAX_LINES = 250;

export interface LiveStall {
  durationMs: number;
  kind: StallKind | null;
  location: Location | null;
  /** The line is that of the code that a loader made from the file. */
  unmapped?: boolean;
  call: string | null;
  /** What waits for the loop. */
  waiting: number;
  chain?: ChainKind | null;
  /** Whose work it is, as far as known. */
  work?: Work;
}

/** One line: kind, duration so far, function, file:line. */
export function liveLine({ durationMs, kind, location, unmapped, call, chain, work }: LiveStall, threadId = 0): string {
  const line = location && !unmapped ? `:${location.line}:${location.column}` : '';
  const place = location
    ? `${location.function || '(anonymous)'} (${displayPath(location.file)}${line})`
    : 'place not known until the native call returns';
  const starved = chain === 'microtask' || chain === 'nexttick';
  const what = starved ? `${chain} chain` : call ? `${kind ?? 'native'} ${call}` : (kind ?? 'native call');
  const where = threadId === 0 ? 'event loop' : `event loop of ${threadName(threadId)}`;
  const whose = work ? ` · ${stripControl(work.name)}` : '';
  return `evdiag: ${where} ${starved ? 'starved' : 'blocked'} for ${Math.round(durationMs)} ms so far · ${what} · ${stripControl(place)}${whose}`;
}

/** A stall at a place that was logged a moment ago is left to the summary. */
export function createLiveLog(now: () => number, print = printLine): (stall: LiveStall, threadId?: number) => void {
  const loggedAt = new Map<string, number>();
  let lines = 0;
  return (stall, threadId) => {
    if (lines > MAX_LINES) return;
    const key = `${stall.kind}|${stall.location?.file}|${stall.location?.line}`;
    const last = loggedAt.get(key);
    if (last !== undefined && now() - last < REPEAT_MS) return;
    if (loggedAt.size >= MAX_PLACES) loggedAt.clear();
    loggedAt.set(key, now());
    print(lines++ < MAX_LINES ? liveLine(stall, threadId) : 'evdiag: no more live lines; the recording has all stalls');
  };
}
