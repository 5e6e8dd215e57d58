import type { Independent } from '../recording/types.ts';
import {
  type AwaitCall,
  awaitCallAt,
  type FunctionText,
  functionAround,
  isOrdered,
  isPlain,
  mentions,
} from './await-call.ts';
import { independentLoop, loopAround } from './loop-text.ts';
import { namesIn, type Range, type TokenTree, tokenTree } from './token-tree.ts';

/** Line and column, from 1, of an `await`. */
export interface AwaitAt {
  line: number;
  column: number;
}

/**
 * Which of these awaits of one function need none of the others, according to its text. Where anything hints that the order may matter (a
 * result that is used, an early end, a pause, one connection, a write), the answer is none of them.
 */
export function independentAwaits(lines: readonly string[], steps: readonly AwaitAt[]): Independent[] {
  const tree = tokenTree(lines.join('\n'));
  const starts = lineStarts(lines);
  const calls = steps.map(({ line, column }) => awaitCallAt(tree, (starts[line - 1] ?? 0) + column - 1));
  const first = calls.find((call) => call !== null);
  const around = first && functionAround(tree, first.at);
  if (!around || isOrdered(tree, around)) return [];
  return [...loopsOf(tree, around, calls), ...sequencesOf(tree, around, calls)];
}

function lineStarts(lines: readonly string[]): number[] {
  let at = 0;
  return lines.map((line) => {
    const start = at;
    at += line.length + 1;
    return start;
  });
}

function loopsOf(tree: TokenTree, around: FunctionText, calls: readonly (AwaitCall | null)[]): Independent[] {
  const byLoop = new Map<number, number[]>();
  for (const [i, call] of calls.entries()) {
    const loop = call && loopAround(tree, around, call.at);
    if (loop) byLoop.set(loop.header.from, [...(byLoop.get(loop.header.from) ?? []), i]);
  }
  return [...byLoop.values()].flatMap((steps): Independent[] => {
    const found = independentLoop(tree, around, loopAround(tree, around, calls[steps[0]!]!.at)!);
    return found ? [{ kind: 'loop', steps, ...(found.isShared && { shared: true as const }) }] : [];
  });
}

/** Declarations of one block, `const a = await f(x)`, of which no later one uses what an earlier one has brought. */
function sequencesOf(tree: TokenTree, around: FunctionText, calls: readonly (AwaitCall | null)[]): Independent[] {
  const steps = calls
    .flatMap((call, i) => (call?.declares && isPlain(tree, around, call) ? [{ call, i }] : []))
    .filter(({ call }) => !loopAround(tree, around, call.at))
    .sort((a, b) => a.call.at - b.call.at);
  const found: number[][] = [];
  let group: typeof steps = [];
  for (const step of steps) {
    if (
      group.length > 0 &&
      !goesWith(
        tree,
        group.map(({ call }) => call),
        step.call,
      )
    ) {
      found.push(group.map(({ i }) => i));
      group = [];
    }
    group.push(step);
  }
  found.push(group.map(({ i }) => i));
  return found.filter(({ length }) => length > 1).map((indexes) => ({ kind: 'sequence', steps: indexes }));
}

function goesWith(tree: TokenTree, group: readonly AwaitCall[], next: AwaitCall): boolean {
  const first = group[0]!;
  if (tree.parent[first.statement.from] !== tree.parent[next.statement.from]) return false;
  const between = { from: first.statement.from, to: next.statement.from };
  const brought = new Set(group.flatMap(({ declares }) => declares ?? []));
  return !leadsTo(tree, between, brought, next.operand) && !hasOther(tree, between, group);
}

/** Whether what was brought is used in the operand, directly or through what was computed from it. */
function leadsTo(tree: TokenTree, between: Range, brought: ReadonlySet<string>, operand: Range): boolean {
  const from = new Set(brought);
  for (const { left, right } of statementsIn(tree, between)) {
    if (mentions(right, from)) for (const name of left) from.add(name);
  }
  return mentions(namesIn(tree, operand), from);
}

/** What each sets, and what it uses: of `cache.set(a)` the cache is set. */
function* statementsIn(tree: TokenTree, { from, to }: Range): Generator<{ left: string[]; right: Set<string> }> {
  const { words } = tree;
  for (let i = from; i < to; ) {
    let end = i + 1;
    while (end < to && !/^(;|const|let|var)$/.test(words[end]!)) end++;
    let equals = i;
    while (equals < end && !(words[equals] === '=' && !/^[=>]$/.test(words[equals + 1] ?? ''))) equals++;
    const hasLeft = equals < end;
    const left = [...namesIn(tree, { from: i, to: hasLeft ? equals : end })];
    yield { left: hasLeft ? left : left.slice(0, 1), right: namesIn(tree, { from: hasLeft ? equals : i, to: end }) };
    i = end;
  }
}

/** Another await, or a way out: `if (!user) return`. */
function hasOther({ words }: TokenTree, between: Range, group: readonly AwaitCall[]): boolean {
  for (let i = between.from; i < between.to; i++) {
    const word = words[i]!;
    if (word === 'await' && !group.some((call) => call.at === i)) return true;
    if (/^(if|return|throw|switch|for|while|do|try|yield|function)$/.test(word)) return true;
  }
  return false;
}
