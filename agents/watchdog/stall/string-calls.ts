import type { Frame } from '../../../src/recording/types.ts';
import type { LinesOf } from './classify.ts';

/** Methods of strings that follow the rules of a language. They are not marked: even a short wrapper would slow each comparison of a sort. */
const CALL = /\.(localeCompare|toLocaleLowerCase|toLocaleUpperCase|normalize)\s*\(/;
const LOOP = /\b(for|while|do)\b/;
/** A callback is short if it ends within this: then such a call is most of its time. */
const MAX_LINES = 8;
const MAX_CHARACTERS = 400;

/**
 * The stack with the call that a short callback of a built-in makes, as in `rows.sort((a, b) => a.localeCompare(b))`.
 *
 * The call is native and over within microseconds, and V8 answers when the callback is entered the next time: the stack
 * stands at the beginning of a function that seems to compute.
 */
export function withStringCall(frames: Frame[], linesOf: LinesOf): Frame[] {
  const [callback, caller] = frames;
  if (callback?.category !== 'application' || caller?.category !== 'native') return frames;
  const lines = linesOf(callback.file);
  const text = lines && callbackAt(lines, callback);
  const call = text ? CALL.exec(text) : null;
  if (!text || !call || LOOP.test(text)) return frames;
  const before = text.slice(0, call.index + 1).split('\n');
  const line = callback.line + before.length - 1;
  const column = before.at(-1)!.length + (before.length === 1 ? callback.column : 1);
  const native: Frame = { function: `String.${call[1]}`, file: '', line: 0, column: 0, category: 'native' };
  return [native, { ...callback, line, column }, ...frames.slice(1)];
}

/** From its parameters, where V8 enters a function, to its end; null if it is long. */
function callbackAt(lines: readonly string[], { line, column }: Frame): string | null {
  const text = lines
    .slice(line - 1, line - 1 + MAX_LINES)
    .join('\n')
    .slice(column - 1, column - 1 + MAX_CHARACTERS);
  if (!/^(async\s+)?(function\b|\(|[\w$]+\s*=>)/.test(text)) return null;
  const end = endOf(text);
  return end < 0 ? null : text.slice(0, end);
}

/** Where its block is closed, or what its expression is part of goes on; -1 if neither is there. */
function endOf(text: string): number {
  const arrow = text.indexOf('=>');
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    const isOver =
      depth < 0 || (depth === 0 && (character === '}' || (arrow >= 0 && i > arrow && ',;'.includes(character))));
    if (isOver) return i;
  }
  return -1;
}
