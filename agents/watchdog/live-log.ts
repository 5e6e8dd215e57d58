import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import type { Location, StallKind } from '../../src/recording/types.ts';
import { stripControl } from '../../src/util/text.ts';

/** The same place is told again after this time at the earliest. */
const REPEAT_MS = 10_000;
const MAX_PLACES = 200;

export interface LiveStall {
  durationMs: number;
  kind: StallKind | null;
  location: Location | null;
  call: string | null;
}

/** One line: kind, duration so far, function, file:line. */
export function liveLine({ durationMs, kind, location, call }: LiveStall): string {
  const place = location
    ? `${location.function || '(anonymous)'} (${displayPath(location.file)}:${location.line}:${location.column})`
    : 'place not known until the native call returns';
  const what = call ? `${kind ?? 'native'} ${call}` : (kind ?? 'native call');
  return `evdiag: event loop blocked for ${Math.round(durationMs)} ms so far · ${what} · ${stripControl(place)}`;
}

function displayPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
}

/** A stall at a place that was told a moment ago is left to the summary. */
export function createLiveLog(now: () => number, print = printLine): (stall: LiveStall) => void {
  const toldAt = new Map<string, number>();
  return (stall) => {
    const key = `${stall.kind}|${stall.location?.file}|${stall.location?.line}`;
    const last = toldAt.get(key);
    if (last !== undefined && now() - last < REPEAT_MS) return;
    if (toldAt.size >= MAX_PLACES) toldAt.clear();
    toldAt.set(key, now());
    print(liveLine(stall));
  };
}

/**
 * Writes to stderr itself: the worker's `process.stderr` goes through the main thread, which is blocked. A full or
 * closed pipe loses the line, never the host.
 */
export function printLine(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nothing can be said.
  }
}
