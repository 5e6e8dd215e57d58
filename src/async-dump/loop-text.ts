/** Whether the turns of a loop need each other, as far as its text shows. */
import { awaitCallOf, type FunctionText, isPlain, mentions, startOfStatement } from './await-call.ts';
import { blockOf, declaredIn, isName, namesIn, type Range, type TokenTree } from './token-tree.ts';

export interface Loop {
  header: Range;
  body: Range;
}

/** The innermost `for` around a token, within its function; null if another kind of loop is nearer. */
export function loopAround(tree: TokenTree, { body }: FunctionText, at: number): Loop | null {
  const { words, pair, parent } = tree;
  for (let i = at; i >= body.from; i = parent[i]!) {
    if (isInArrow(tree, i, body.from)) return null;
    const single = forBefore(tree, i, body.from);
    if (single) return single;
    const open = parent[i]!;
    if (open < body.from) return null;
    if (words[open] !== '{') continue;
    const block = blockOf(tree, open);
    if (block.sort === 'for') return { header: block.header, body: { from: open + 1, to: pair[open]! } };
    if (block.sort !== 'other') return null;
  }
  return null;
}

/** `async (x) => await f(x)`: a function of its own, without braces. */
function isInArrow({ words, pair, parent }: TokenTree, at: number, least: number): boolean {
  for (let i = at - 1; i >= least && parent[i] === parent[at]; i--) {
    if (/^[;{},]$/.test(words[i]!)) return false;
    if (words[i] === '>' && words[i - 1] === '=') return true;
    if (pair[i]! >= 0 && pair[i]! < i) i = pair[i]!;
  }
  return false;
}

/** `for (…) await f(x);` without braces. */
function forBefore(tree: TokenTree, at: number, least: number): Loop | null {
  const { words, pair, parent } = tree;
  for (let i = at - 1; i >= least && parent[i] === parent[at]; i--) {
    if (words[i] === ';' || words[i] === '{' || words[i] === '}') return null;
    const open = pair[i]!;
    if (open < 0 || open > i) continue;
    if (words[i] === ')' && words[open - 1] === 'for') {
      let to = at;
      while (to < words.length && parent[to]! >= parent[at]! && !(words[to] === ';' && parent[to] === parent[at])) to++;
      return { header: { from: open + 1, to: i }, body: { from: i + 1, to } };
    }
    i = open;
  }
  return null;
}

interface Header {
  names: Set<string>;
  /** The names in the expression of the list. */
  list: Set<string>;
  listText: string;
  isCounting: boolean;
}

/** Names of what is sent together, or of numbered tries and pages. */
const PARTS =
  /\b(batch|chunk|page|part|slice|group|window|attempt|retry|try|round|step|migration|cursor|offset)(e?s)?\b|\bre?tries\b/i;
/** "nextPage" as "next Page". */
function inWords(text: string): string {
  return text.replaceAll('_', ' ').replace(/([a-z\d])([A-Z])/g, '$1 $2');
}

/** What makes the list longer while the loop goes on. */
const GROWS = /\s*\.\s*(push|unshift|shift|pop|splice|add|enqueue|append|set|delete)\b/;

/** Null where a turn may need one before it, or where several are held back on purpose. */
export function independentLoop(tree: TokenTree, around: FunctionText, loop: Loop): { isShared: boolean } | null {
  const header = headerOf(tree, loop.header);
  if (!header || [...header.names, header.listText].some((name) => PARTS.test(inWords(name)))) return null;
  if (hasWayOut(tree, loop.body) || growsList(tree, loop.body, header)) return null;
  const carried = carriedBy(tree, loop.body, header.names);
  const item = new Set(header.names);
  const brought = new Set<string>();
  declarations(tree, loop.body, item, brought);
  const awaits = awaitsOf(tree, around, loop);
  if (awaits.length === 0 || decides(tree, loop.body, carried)) return null;
  let plain = 0;
  for (const at of awaits) {
    const call = awaitCallOf(tree, at);
    const root = tree.words[call.operand.from]!;
    const used = namesIn(tree, call.operand);
    if (mentions(used, carried) || !(mentions(used, item) || mentions(used, brought))) return null;
    if (brought.has(root) && !item.has(root)) continue; // `await response.json()`
    const isItems = header.names.has(root) || item.has(root);
    const others = header.isCounting ? new Set<string>() : header.list;
    if (isItems || (mentions(used, others) && !header.listText.startsWith('this'))) return null;
    if (!isPlain(tree, around, call)) return null;
    plain++;
  }
  return plain > 0 ? { isShared: isShared(tree, around, loop, header) } : null;
}

/** Of `const x of list`, `const key in object` and `let i = 0; i < n; i++`; null for others. */
function headerOf(tree: TokenTree, { from, to }: Range): Header | null {
  const { words, at, pair, text } = tree;
  if (!/^(const|let|var)$/.test(words[from] ?? '')) return null;
  const parts: number[] = [];
  for (let i = from + 1; i < to; i = pair[i]! > i ? pair[i]! + 1 : i + 1) {
    const word = words[i]!;
    if (word === 'of' || word === 'in') {
      const list = { from: i + 1, to };
      const names = new Set(declaredIn(tree, { from: from + 1, to: i }));
      return { names, list: namesIn(tree, list), listText: text.slice(at[i + 1], at[to]).trim(), isCounting: false };
    }
    if (word === ';') parts.push(i);
  }
  return parts.length === 2 ? counting(tree, from, to, parts as [number, number]) : null;
}

function counting(tree: TokenTree, from: number, to: number, [first, second]: [number, number]): Header | null {
  const { words, text, at } = tree;
  const name = words[from + 1];
  if (!isName(name) || words[from + 2] !== '=') return null;
  const step = words.slice(second + 1, to).join(' ');
  if (step !== `${name} + +` && step !== `+ + ${name}` && step !== `${name} + = 1`) return null;
  const limit = { from: first + 1, to: second };
  return {
    names: new Set([name]),
    list: namesIn(tree, limit),
    listText: text.slice(at[first + 1], at[second]),
    isCounting: true,
  };
}

/** `break`, or `return` out of the loop: which turn is the last depends on those before. */
function hasWayOut(tree: TokenTree, { from, to }: Range): boolean {
  for (let i = from; i < to; i++) {
    if (/^(break|return|yield)$/.test(tree.words[i]!) && !isInFunction(tree, i, from)) return true;
  }
  return false;
}

/** Within a function that is made in the loop. */
function isInFunction(tree: TokenTree, at: number, least: number): boolean {
  for (let open = tree.parent[at]!; open >= least; open = tree.parent[open]!) {
    if (tree.words[open] === '{' && blockOf(tree, open).sort === 'function') return true;
  }
  return false;
}

function growsList({ text, at }: TokenTree, { from, to }: Range, { listText, isCounting }: Header): boolean {
  const list = isCounting
    ? (/([\w$.#]+)\.(length|size)/.exec(listText)?.[1] ?? '')
    : (/^[\w$.#]+/.exec(listText)?.[0] ?? '');
  if (list === '') return false;
  const body = text.slice(at[from], at[to]);
  for (let i = body.indexOf(list); i >= 0; i = body.indexOf(list, i + 1)) {
    if (GROWS.exec(body.slice(i + list.length))?.index === 0) return true;
  }
  return false;
}

/** Names from outside that the body assigns, or assigns to: a later turn may read them. Filling a list or a map is none of it. */
function carriedBy(tree: TokenTree, body: Range, own: ReadonlySet<string>): Set<string> {
  const { words, pair } = tree;
  const names = new Set<string>();
  for (let i = body.from; i < body.to; i++) {
    const name = words[i]!;
    if (!isName(name) || own.has(name) || isDeclaration(tree, i)) continue;
    let next = i + 1;
    while (words[next] === '.' || words[next] === '[') next = words[next] === '[' ? pair[next]! + 1 : next + 1;
    if (next <= i) continue;
    const rest = words.slice(next, next + 4).join('');
    const isSet = /^(=(?![=>])|(\*\*|&&|\|\||\?\?|<<|>>|[-+*/%&|^])=(?!=)|\+\+|--)/.test(rest);
    const isCounted = /^(\+\+|--)$/.test(words.slice(i - 2, i).join(''));
    if (isSet || isCounted) names.add(name);
  }
  return names;
}

function isDeclaration({ words }: TokenTree, i: number): boolean {
  return /^(const|let|var)$/.test(words[i - 1] ?? '');
}

/** Adds the names that the body declares: from the item, and from what an await has brought. */
function declarations(tree: TokenTree, body: Range, item: Set<string>, brought: Set<string>): void {
  const { words, parent, pair } = tree;
  for (let i = body.from; i < body.to; i++) {
    if (!/^(const|let|var)$/.test(words[i]!)) continue;
    let equals = i + 1;
    while (equals < body.to && !(words[equals] === '=' && parent[equals] === parent[i])) {
      if (words[equals] === ';') break;
      equals = pair[equals]! > equals ? pair[equals]! + 1 : equals + 1;
    }
    if (words[equals] !== '=') continue;
    let to = equals + 1;
    while (to < body.to && !(words[to] === ';' && parent[to] === parent[i])) to++;
    const value = { from: equals + 1, to };
    const used = namesIn(tree, value);
    const names = declaredIn(tree, { from: i + 1, to: equals });
    const isAwaited = words.slice(value.from, value.to).includes('await');
    for (const name of names) {
      if (isAwaited || mentions(used, brought)) brought.add(name);
      else if (mentions(used, item)) item.add(name);
    }
  }
}

function awaitsOf(tree: TokenTree, around: FunctionText, loop: Loop): number[] {
  const found: number[] = [];
  for (let i = loop.body.from; i < loop.body.to; i++) {
    if (tree.words[i] === 'await' && !isInFunction(tree, i, loop.body.from)) found.push(i);
  }
  return found.filter((i) => loopAround(tree, around, i) !== null);
}

/** A condition reads what turns leave to the next. */
function decides(tree: TokenTree, body: Range, carried: ReadonlySet<string>): boolean {
  for (let i = body.from; i < body.to; i++) {
    if (tree.words[i] !== 'if' || tree.words[i + 1] !== '(') continue;
    if (mentions(namesIn(tree, { from: i + 2, to: tree.pair[i + 1]! }), carried)) return true;
  }
  return false;
}

/** The list is neither given to the function nor declared in it. */
function isShared(tree: TokenTree, around: FunctionText, { header }: Loop, { list }: Header): boolean {
  const { words } = tree;
  for (let i = around.body.from; i < header.from; i++) {
    if (/^(const|let|var)$/.test(words[i]!)) {
      const end = startOfStatement(tree, i) === i ? i + 12 : i;
      for (const name of namesIn(tree, { from: i + 1, to: Math.min(end, header.from) }))
        if (list.has(name)) return false;
    }
  }
  return ![...list].some((name) => around.params.has(name)) && list.size > 0;
}
