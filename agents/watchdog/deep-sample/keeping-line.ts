import type { AllocationSite, Location } from '../../../src/recording/types.ts';
import { linesOf } from '../source-text.ts';

/** Longer functions usually have more than one such line. */
const MAX_LINES = 200;
const MAX_CODE = 100;
/** Puts something into an object that may live longer. */
const KEEPS = /\.(push|unshift|set|add|append|enqueue|on|once|addListener|addEventListener)\(/;
/** Makes something. */
const MAKES =
  /\bnew [A-Z]|\b(Buffer|Array|Object)\.\w+\(|\.(map|slice|split|concat|repeat|join|filter|toString)\(|JSON\.parse\(|\{ ?\.\.\.|\[ ?\.\.\./;

/**
 * The only line of a function that keeps something, or the only one that makes something; null if there are
 * several: V8 reports the function that allocates, not the line.
 */
export function keepingLine(location: Location): AllocationSite['line'] {
  const lines = linesOf(location.file);
  if (!lines || location.line < 1 || location.line > lines.length) return null;
  const end = endOfFunction(lines, location);
  const body = lines.slice(location.line - 1, end).map((text, i) => ({ text: code(text), line: location.line + i }));
  return only(body, KEEPS) ?? only(body, MAKES);
}

function only(body: readonly { text: string; line: number }[], pattern: RegExp): AllocationSite['line'] {
  const found = body.filter(({ text }) => pattern.test(text));
  if (found.length !== 1) return null;
  const { text, line } = found[0]!;
  return { line, column: text.length - text.trimStart().length + 1, code: text.trim().slice(0, MAX_CODE) };
}

/** Without quoted text, and comments at its end. */
function code(text: string): string {
  return text.replace(/'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/g, "''").replace(/\s*\/\/.*$/, '');
}

/** The number of its last line: where its brackets are closed, those of the body after those of the parameters. */
function endOfFunction(lines: readonly string[], { line, column }: Location): number {
  let depth = 0;
  let arrow = false;
  for (let i = line - 1; i < Math.min(lines.length, line - 1 + MAX_LINES); i++) {
    const text = code(i === line - 1 ? lines[i]!.slice(Math.max(0, column - 1)) : lines[i]!);
    for (let at = 0; at < text.length; at++) {
      const char = text[at]!;
      if (char === '=' && text[at + 1] === '>' && depth === 0) arrow = true;
      if ('([{'.includes(char)) depth++;
      if (!')]}'.includes(char)) continue;
      depth--;
      if (depth < 0 || (depth === 0 && char === '}')) return i + 1;
    }
    // An arrow's expression ends where its line does.
    if (arrow && depth === 0 && !/=>\s*$/.test(text)) return i + 1;
  }
  return Math.min(lines.length, line - 1 + MAX_LINES);
}
