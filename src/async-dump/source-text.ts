import { programLines } from '../util/source-lines.ts';
import { stripControl } from '../util/text.ts';

const MAX_COLUMNS = 100;
/** Of a longer line, such as the only one of a bundle, this much on both sides of a place is read. */
const MAX_LINE = 2000;
/** Longest function that is searched for its only `await`. */
const MAX_FUNCTION = 200_000;
const WORD = /[\w$]+/y;

/** The text of a line, without control characters and shortened; '' if it is not available. */
export function sourceLine(file: string, line: number): string {
  return shorten((programLines(file)?.[line - 1] ?? '').trim());
}

/** What is awaited at a position: `await fetch(url)` up to the end of the expression or of the line; '' if it is not available. */
export function awaitedText(file: string, line: number, column: number): string {
  const text = programLines(file)?.[line - 1] ?? '';
  const from = text.slice(column - 1);
  if (!/^(await|for|yield|return)\b/.test(from)) return sourceLine(file, line);
  return shorten(expressionOf(from));
}

/** An `await` of a line, by its index there, and what it awaits. */
export interface AwaitInLine {
  at: number;
  /** `lock.acquire()`; of a loop `for await (const x of y)`. */
  code: string;
}

/** Each `await` of a line, as far as it is near that column (1-based). */
export function awaitsIn(line: string, column = 1): AwaitInLine[] {
  const from = Math.max(0, column - 1 - MAX_LINE);
  const text = line.slice(from, column - 1 + MAX_LINE);
  const found: AwaitInLine[] = [];
  for (const { at, word } of tokens(text)) {
    if (word !== 'await') continue;
    const start = startOfLoop(text, at);
    found.push({ at: from + at, code: awaitedIn(text.slice(start)) });
  }
  return found;
}

/** The expression of "await lock.acquire(); // note" alone. */
export function awaitedIn(text: string): string {
  const code = expressionOf(text.trimStart()).replace(/\s*\/\/[^'"`)]*$/, '');
  return shorten(code.replace(/^await\b\s*/, ''));
}

/** Whether the operand of the expression that begins at `from` extends to `to`: no statement ends between. */
export function isOneStatement(line: string, from: number, to: number): boolean {
  for (const { word } of tokens(line.slice(from, to))) if (word === ';') return false;
  return true;
}

function shorten(text: string): string {
  const clean = stripControl(text).trim();
  return clean.length > MAX_COLUMNS ? `${clean.slice(0, MAX_COLUMNS - 1)}…` : clean;
}

/** Up to the bracket, semicolon or comma that ends it; brackets that the line leaves open end in `…`. */
function expressionOf(text: string): string {
  const closers: string[] = [];
  const loop = text.startsWith('for');
  for (const { at, word } of tokens(text)) {
    const close = CLOSE.get(word);
    if (close) closers.push(close);
    else if (word === closers.at(-1)) {
      closers.pop();
      if (loop && closers.length === 0) return text.slice(0, at + 1);
    } else if (closers.length === 0 && /^[;,)\]}]$/.test(word)) return text.slice(0, at);
  }
  return closers.length > 0 ? `${text.trimEnd()} …${[...closers].reverse().join('')}` : text;
}

const CLOSE: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

/**
 * The position of the only place where the function that begins there can be suspended; null if there are several or
 * the text is not available. An `await` of a nested function counts too.
 */
export function onlyAwait(
  file: string,
  line: number,
  column: number,
  isGenerator: boolean,
): { line: number; column: number } | null {
  const lines = programLines(file);
  if (!lines) return null;
  const text = `${lines[line - 1]?.slice(column - 1) ?? ''}\n${lines.slice(line, line + 5000).join('\n')}`;
  const places: number[] = [];
  for (const { at, word } of functionTokens(text.slice(0, MAX_FUNCTION))) {
    if (word === 'await' || (isGenerator && word === 'yield')) places.push(at);
    if (places.length > 1) return null;
  }
  const [place] = places;
  if (place === undefined) return null;
  const start = startOfLoop(text, place);
  const before = text.slice(0, start).split('\n');
  const inside = before.at(-1)!.length + 1;
  return { line: line + before.length - 1, column: before.length === 1 ? column + inside - 1 : inside };
}

/** V8 reports `for await (…)` at the loop's expression; people look for the loop. */
function startOfLoop(text: string, place: number): number {
  const loop = /\bfor\s+$/.exec(text.slice(Math.max(0, place - 20), place));
  return loop ? place - loop[0].length : place;
}

interface Token {
  at: number;
  word: string;
}

/** The tokens of a function's parameters and body, or of the expression of an arrow function without braces. */
function* functionTokens(text: string): Generator<Token> {
  let depth = 0;
  let inBody = false;
  for (const token of tokens(text)) {
    const { word } = token;
    if (depth === 0 && word === '{') inBody = true;
    if (CLOSE.has(word)) depth++;
    else if (word === ')' || word === ']' || word === '}') depth--;
    if (depth < 0 || (depth === 0 && (word === ';' || word === ','))) return;
    yield token;
    if (inBody && depth === 0) return;
  }
}

/** Words and single characters; strings, comments and regular expressions are left out, but not `${…}`. */
export function* tokens(text: string): Generator<Token> {
  const templates: number[] = [];
  let depth = 0;
  let last = '';
  let at = 0;
  const skipTemplate = (): void => {
    while (at < text.length && text[at] !== '`') {
      if (text[at] === '\\') at++;
      else if (text[at] === '$' && text[at + 1] === '{') {
        templates.push(depth++);
        at += 2;
        return;
      }
      at++;
    }
    at++;
  };
  while (at < text.length) {
    const char = text[at]!;
    const start = at;
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word) {
      at += word.length;
      if (last !== '.') yield { at: start, word };
      last = word;
    } else if (char === '/' && text[at + 1] === '/') at = endOf(text, '\n', at);
    else if (char === '/' && text[at + 1] === '*') at = endOf(text, '*/', at + 2) + 2;
    else if (char === '/' && isRegexAfter(last)) at = endOfQuoted(text, at, '/');
    else if (char === '"' || char === "'") at = endOfQuoted(text, at, char);
    else if (char === '`') {
      at++;
      skipTemplate();
    } else if (char === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      at++;
      skipTemplate();
    } else {
      at++;
      if (char === '{') depth++;
      else if (char === '}') depth--;
      if (/\s/.test(char)) continue;
      yield { at: start, word: char };
      last = char;
    }
  }
}

function isRegexAfter(last: string): boolean {
  return last === '' || /^[(,=:[!&|?{};+*%~^<>-]$/.test(last) || /^(return|typeof|await|yield|case|of|in)$/.test(last);
}

function endOf(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? text.length : at;
}

/** The index after the closing quote; a string ends with its line at the latest. */
function endOfQuoted(text: string, from: number, quote: string): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '\n') return at;
    else if (quote === '/' && char === '[') inClass = true;
    else if (quote === '/' && char === ']') inClass = false;
    else if (char === quote && !inClass) return at + 1;
  }
  return text.length;
}
