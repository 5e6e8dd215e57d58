import { tokens } from './source-text.ts';

/** The tokens of a text with their brackets: who encloses whom. Tokens are named by their index. */
export interface TokenTree {
  text: string;
  at: number[];
  words: string[];
  /** Of a bracket, the one that closes or opens it; -1 for others, and where there is none. */
  pair: number[];
  /** The bracket that encloses it; -1 at the top. */
  parent: number[];
}

/** A range of tokens, `to` not included. */
export interface Range {
  from: number;
  to: number;
}

const OPENS = new Set(['(', '[', '{']);
const CLOSES = new Set([')', ']', '}']);

export function tokenTree(text: string): TokenTree {
  const tree: TokenTree = { text, at: [], words: [], pair: [], parent: [] };
  const open: number[] = [];
  for (const { at, word } of tokens(text)) {
    const i = tree.words.length;
    const start = CLOSES.has(word) ? open.pop() : undefined;
    tree.at.push(at);
    tree.words.push(word);
    tree.pair.push(start ?? -1);
    if (start !== undefined) tree.pair[start] = i;
    tree.parent.push(open.at(-1) ?? -1);
    if (OPENS.has(word)) open.push(i);
  }
  return tree;
}

export function isName(word: string | undefined): word is string {
  return word !== undefined && /^[A-Za-z_$]/.test(word) && !KEYWORDS.has(word);
}

const KEYWORDS = new Set(
  'as async await break case catch const continue default delete do else false finally for function if in instanceof let new null of return satisfies static switch throw true try typeof undefined var void while yield'.split(
    ' ',
  ),
);

/** The names that are used in a range: not those of properties, and not the keys of an object. */
export function namesIn({ words }: TokenTree, { from, to }: Range): Set<string> {
  const names = new Set<string>();
  for (let i = from; i < to; i++) {
    if (!isName(words[i])) continue;
    const isKey = words[i + 1] === ':' && /^[{,]$/.test(words[i - 1] ?? '');
    if (!isKey) names.add(words[i]!);
  }
  return names;
}

/** The names that a pattern declares: `{ a, b: c } = …` declares a and c. */
export function declaredIn(tree: TokenTree, { from, to }: Range): string[] {
  return [...namesIn(tree, { from, to })];
}

/** What a block belongs to: the body of a function, a loop, or anything else. */
export type Block = { sort: 'function'; params: Range } | { sort: 'for'; header: Range } | { sort: 'loop' | 'other' };

const LOOPS = new Set(['while', 'do']);

/** Of the `{` at this index. */
export function blockOf({ words, pair, parent }: TokenTree, open: number): Block {
  const last = words[open - 1];
  if (last === '>' && words[open - 2] === '=') return { sort: 'function', params: paramsBefore(words, pair, open - 3) };
  if (last !== undefined && LOOPS.has(last)) return { sort: 'loop' };
  let close = open - 1;
  // A type of the result is between the parameters and the body.
  for (let i = 0; i < 40 && close >= 0 && words[close] !== ')'; i++) {
    if (/^[;{}=]$/.test(words[close]!) || parent[close] !== parent[open]) return { sort: 'other' };
    close--;
  }
  const start = words[close] === ')' ? pair[close]! : -1;
  if (start < 0 || (close < open - 1 && words[close + 1] !== ':')) return { sort: 'other' };
  const inner = { from: start + 1, to: close };
  const before = words[start - 1];
  if (before === 'for') return { sort: 'for', header: inner };
  if (before === 'while' || (before === 'await' && words[start - 2] === 'for')) return { sort: 'loop' };
  if (before === 'if' || before === 'switch' || before === 'catch' || before === 'with') return { sort: 'other' };
  return { sort: 'function', params: inner };
}

/** `last`: the last token before `=>`: a name, or the end of the parameters, perhaps with a type of the result. */
function paramsBefore(words: string[], pair: number[], last: number): Range {
  if (isName(words[last]) && words[last - 1] !== ':') return { from: last, to: last + 1 };
  let close = last;
  for (let i = 0; i < 40 && close > 0 && words[close] !== ')'; i++) close--;
  return words[close] === ')' && pair[close]! >= 0 ? { from: pair[close]! + 1, to: close } : { from: last, to: last };
}
