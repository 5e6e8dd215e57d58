/** What is awaited at one place, and the function around it, as far as a text shows. */
import { blockOf, declaredIn, isName, namesIn, type Range, type TokenTree } from './token-tree.ts';

/** `await f(x)`, by the indexes of its tokens. */
export interface AwaitCall {
  at: number;
  operand: Range;
  /** The text of what is called, `client.query`; null if nothing is: what is awaited was started before. */
  callee: string | null;
  /** From its first token. */
  statement: Range;
  /** The names that the statement declares; null if it declares none. */
  declares: string[] | null;
}

export interface FunctionText {
  params: Set<string>;
  body: Range;
}

/** Longest expression, in tokens. */
const MAX_TOKENS = 2000;
const STATEMENTS = new Set(
  'const let var if for while return throw try switch function class break continue do'.split(' '),
);

/** The await at, or shortly before, this offset of the text. */
export function awaitCallAt(tree: TokenTree, offset: number): AwaitCall | null {
  const { at: places, words } = tree;
  let at = -1;
  for (let i = 0; i < words.length && places[i]! <= offset; i++) if (words[i] === 'await') at = i;
  return at < 0 ? null : awaitCallOf(tree, at);
}

export function awaitCallOf(tree: TokenTree, at: number): AwaitCall {
  const operand = { from: at + 1, to: endOfExpression(tree, at + 1) };
  const statement = { from: startOfStatement(tree, at), to: operand.to };
  return { at, operand, callee: calleeOf(tree, operand), statement, declares: declaresOf(tree, statement, at) };
}

function endOfExpression({ words, at, pair, parent, text }: TokenTree, from: number): number {
  const inside = parent[from];
  let i = from;
  while (i < words.length && i - from < MAX_TOKENS) {
    const word = words[i]!;
    if (parent[i] !== inside || word === ';' || word === ',' || /^[)\]}]$/.test(word) || STATEMENTS.has(word)) break;
    const isNewLine = i > from && text.slice(at[i - 1], at[i]).includes('\n');
    if (isNewLine && /^[\w$)\]}]/.test(words[i - 1]!) && /^[\w${]/.test(word)) break;
    i = pair[i]! > i ? pair[i]! + 1 : i + 1;
  }
  return i;
}

/** After the semicolon, brace or block before it, in the same block; of what is within brackets, the statement around these. */
export function startOfStatement({ words, pair, parent }: TokenTree, at: number): number {
  let i = at;
  for (;;) {
    const before = i - 1;
    const word = words[before];
    if (word === undefined || word === ';' || word === '{') return i;
    if (STATEMENTS.has(words[i]!)) return i;
    if (word === '(' || word === '[') i = before;
    else if (pair[before]! >= 0 && parent[before] === parent[i]) {
      const open = pair[before]!;
      const isPattern = /^(const|let|var|,|=|\(|\[|:|=>)$/.test(words[open - 1] ?? '');
      if (word === '}' && !isPattern) return i;
      i = open;
    } else i = before;
  }
}

function declaresOf(tree: TokenTree, { from }: Range, at: number): string[] | null {
  const { words, parent, pair } = tree;
  if (!/^(const|let|var)$/.test(words[from] ?? '')) return null;
  let i = from + 1;
  while (i < at && !(words[i] === '=' && parent[i] === parent[from])) i = pair[i]! > i ? pair[i]! + 1 : i + 1;
  return i === at - 1 ? declaredIn(tree, { from: from + 1, to: i }) : null;
}

/** Null unless the operand is one call, perhaps with a property of its result. */
function calleeOf({ words, at, text }: TokenTree, { from, to }: Range): string | null {
  for (let i = from; i < to; i++) {
    const word = words[i]!;
    if (word === '(') return i === from ? null : text.slice(at[from], at[i]).trim();
    if (!isName(word) && !/^(this|new|\.|\?|#|<|>|\[|\])$/.test(word)) return null;
  }
  return null;
}

/** The innermost function around a token; null at the top of the file, and for an arrow function without braces. */
export function functionAround(tree: TokenTree, at: number): FunctionText | null {
  for (let open = tree.parent[at]!; open >= 0; open = tree.parent[open]!) {
    if (tree.words[open] !== '{') continue;
    const block = blockOf(tree, open);
    if (block.sort !== 'function') continue;
    const to = tree.pair[open]! < 0 ? tree.words.length : tree.pair[open]!;
    return { params: namesIn(tree, block.params), body: { from: open + 1, to } };
  }
  return { params: new Set(), body: { from: 0, to: tree.words.length } };
}

export function mentions(names: ReadonlySet<string>, some: ReadonlySet<string>): boolean {
  for (const name of names) if (some.has(name)) return true;
  return false;
}

/** The words of code whose order is meant. */
const ORDERED = /\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b|transaction|throttl|rate.?limit|back.?off|\bretr(y|ies)/i;
/** What acts on something before or after it, or waits on purpose. */
const ACTS =
  /^_?(acquire|animate|append|apply|begin|click|close|commit|connect|delay|drain|emit|end|enqueue|exec|flush|goto|lock|log|migrate|mkdir|move|mv|next|once|open|pause|play|poll|press|print|publish|push|release|rename|replay|rm|rollback|run|seek|shift|sleep|step|take|transition|type|unlink|unlock|wait|write)/i;
/** One connection or transaction: what is sent through it goes one after another. */
const ONE_AT_A_TIME =
  /^(t|tx|trx|txn|conn|connection|client|session|transaction|cursor|lock|mutex|queryRunner|em|stream|socket|page|browser|driver)$/i;

/** The text of the function says that the order matters. */
export function isOrdered({ text, at }: TokenTree, { body }: FunctionText): boolean {
  return ORDERED.test(text.slice(at[body.from - 1] ?? 0, at[body.to] ?? text.length));
}

/** One call, of something that is neither given to the function nor made in it by an await, and of which the order does not matter by its name. */
export function isPlain(tree: TokenTree, around: FunctionText, { at, callee, operand }: AwaitCall): boolean {
  const { words } = tree;
  if (callee === null || ACTS.test(/[\w$#]*$/.exec(callee)![0])) return false;
  const root = words[operand.from]!;
  if (root === 'Promise' || root === 'new') return false;
  const isMethod = callee.includes('.');
  if (isMethod && (around.params.has(root) || awaitedBefore(tree, around, at).has(root))) return false;
  // What takes a function decides when it runs.
  for (let i = operand.from; i < operand.to; i++) if (words[i] === 'function' || isArrow(words, i)) return false;
  for (const name of namesIn(tree, { from: operand.from + 1, to: operand.to }))
    if (ONE_AT_A_TIME.test(name)) return false;
  return true;
}

function isArrow(words: readonly string[], i: number): boolean {
  return words[i] === '=' && words[i + 1] === '>';
}

/** Names that earlier awaits of the function have brought. */
function awaitedBefore(tree: TokenTree, { body }: FunctionText, at: number): Set<string> {
  const names = new Set<string>();
  for (let i = body.from; i < at; i++) {
    if (tree.words[i] !== 'await') continue;
    for (const name of awaitCallOf(tree, i).declares ?? []) names.add(name);
  }
  return names;
}
