import { isAbsolute } from 'node:path';
import type { Location } from '../../src/recording/types.ts';
import { readRegular } from '../../src/util/regular-file.ts';

/** Files whose lines are at hand, and their size. */
const MAX_FILES = 32;
const MAX_BYTES = 1 << 20;
/** How far up the beginning of a function is looked for. */
const MAX_LINES = 80;
const MAX_TEXT = 100;
const MAX_BEFORE = 6;

const files = new Map<string, string[] | null>();

/** Null where the file is not at hand, or too large. */
export function linesOf(file: string): string[] | null {
  let lines = files.get(file);
  if (lines !== undefined) return lines;
  try {
    const text = isAbsolute(file) ? readRegular(file, MAX_BYTES)?.toString('utf8') : undefined;
    lines = text?.split('\n') ?? null;
  } catch {
    lines = null;
  }
  if (files.size >= MAX_FILES) files.delete(files.keys().next().value!);
  files.set(file, lines);
  return lines;
}

/** The call at this place has `void` before it: nobody is to await it. */
export function isVoid({ file, line, column }: Location): boolean {
  const text = linesOf(file)?.[line - 1];
  return text !== undefined && /(^|[^\w$.])void\s+[\w$.?[\]'"#!]*$/.test(text.slice(0, Math.max(0, column - 1)));
}

/** The `await` whose operand is at this place: V8 tells the operand while the call runs, and the await while it waits. */
export function atAwait(location: Location): Location {
  const text = linesOf(location.file)?.[location.line - 1];
  const before = text && /.*(\bawait\b[^;]*)$/.exec(text.slice(0, location.column - 1));
  return before ? { ...location, column: location.column - before[1]!.length } : location;
}

/** What is awaited at this place, and what the same function awaits above it; null where the source is not at hand. */
export function awaitedTexts({
  file,
  line,
  column,
}: Location): { code: string; before: string[]; loop: boolean } | null {
  const lines = linesOf(file);
  const text = lines?.[line - 1];
  if (!lines || text === undefined) return null;
  const at = text.lastIndexOf('await', column + 4);
  const code = expressionIn(at >= 0 ? text.slice(at) : text);
  const before: string[] = [];
  let loop = /^\s*(for|while)\b/.test(text);
  let indent = indentOf(text);
  for (let i = line - 2; i >= Math.max(0, line - MAX_LINES) && before.length < MAX_BEFORE; i--) {
    const above = lines[i]!;
    if (above.trim() !== '' && indentOf(above) < indent) {
      indent = indentOf(above);
      loop ||= /^\s*(\} )?(for|while|do)\b/.test(above);
    }
    for (const match of above.matchAll(/\bawait\b.*/g)) before.unshift(expressionIn(match[0]));
    if (/\basync\b/.test(above)) break;
  }
  return { code, before, loop };
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

/** "await lock.acquire();" without what is around it. */
function expressionIn(text: string): string {
  return text
    .replace(/^\s*await\s+/, '')
    .replace(/\s*(\/\/.*)?$/, '')
    .replace(/;$/, '')
    .slice(0, MAX_TEXT);
}
