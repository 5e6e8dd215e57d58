import { isAbsolute } from 'node:path';
import { awaitedIn, awaitsIn, isOneStatement } from '../../src/async-dump/source-text.ts';
import type { Location } from '../../src/recording/types.ts';
import { sourceLines } from '../../src/util/source-lines.ts';

/** Splitting a larger file would delay the watchdog. */
const MAX_BYTES = 1 << 20;
/** How far up the beginning of a function is searched. */
const MAX_LINES = 80;
const MAX_BEFORE = 6;

/** Null if the file is not available, or too large. */
export function linesOf(file: string): readonly string[] | null {
  return isAbsolute(file) ? sourceLines(file, MAX_BYTES) : null;
}

/** The call at this place has `void` before it: it is not meant to be awaited. */
export function isVoid({ file, line, column }: Location): boolean {
  const text = linesOf(file)?.[line - 1];
  return text !== undefined && /(^|[^\w$.])void\s+[\w$.?[\]'"#!]*$/.test(text.slice(0, Math.max(0, column - 1)));
}

/** The `await` whose operand is at this place: V8 reports the operand while the call runs, and the await while it waits. */
export function atAwait(location: Location): Location {
  const text = linesOf(location.file)?.[location.line - 1] ?? '';
  const to = location.column - 1;
  const at = awaitsIn(text, location.column).findLast((one) => one.at < to)?.at;
  return at !== undefined && isOneStatement(text, at, to) ? { ...location, column: at + 1 } : location;
}

/** What is awaited at this place, and what the same function awaits above it; null if the source is not available. */
export function awaitedTexts({
  file,
  line,
  column,
}: Location): { code: string; before: string[]; loop: boolean } | null {
  const lines = linesOf(file);
  const text = lines?.[line - 1];
  if (!lines || text === undefined) return null;
  // V8 reports a loop at its expression, which comes after the word.
  const code = awaitsIn(text, column).findLast(({ at }) => at <= column + 4)?.code ?? awaitedIn(text);
  const before: string[] = [];
  let loop = /^\s*(for|while)\b/.test(text);
  let indent = indentOf(text);
  for (let i = line - 2; i >= Math.max(0, line - MAX_LINES) && before.length < MAX_BEFORE; i--) {
    const above = lines[i]!;
    if (above.trim() !== '' && indentOf(above) < indent) {
      indent = indentOf(above);
      loop ||= /^\s*(\} )?(for|while|do)\b/.test(above);
    }
    before.unshift(...awaitsIn(above).map((one) => one.code));
    if (/\basync\b/.test(above)) break;
  }
  return { code, before, loop };
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
