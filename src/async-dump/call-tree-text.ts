/** The tree of suspended calls, as lines of text. */
import type { Frame } from '../recording/types.ts';
import { formatCount, formatMs } from '../util/text.ts';
import type { CallGroup } from './dump.ts';
import { type DumpTextOptions, LIMIT, moreText, NOWHERE, nameOf, placeOf, settledText } from './text-parts.ts';

/** A place in the tree: the call itself, and below it what it awaits. */
interface TreeNode {
  frame: Frame;
  group: CallGroup | null;
  children: Map<string, TreeNode>;
  /** Largest count in this branch, by which it is sorted. */
  weight: number;
}

export function treeOf(groups: readonly CallGroup[]): TreeNode {
  const root: TreeNode = { frame: NOWHERE, group: null, children: new Map(), weight: 0 };
  for (const group of groups) {
    const call: Frame = {
      ...NOWHERE,
      function: group.function,
      file: group.file,
      line: group.line,
      column: group.column,
    };
    let node = root;
    for (const frame of [...[...group.awaitedBy].reverse(), call]) {
      node = childOf(node, frame, frame === call && group.otherAwaiters > 0 ? ' shared' : '');
      node.weight = Math.max(node.weight, group.count);
    }
    // The same place with and without a known await: separate groups, but together in the tree.
    node.group = node.group ? { ...node.group, count: node.group.count + group.count } : group;
  }
  return root;
}

function childOf(node: TreeNode, frame: Frame, mark: string): TreeNode {
  const key = `${frame.function} ${frame.file}:${frame.line}:${frame.column}${mark}`;
  let child = node.children.get(key);
  if (!child) {
    child = { frame, group: null, children: new Map(), weight: 0 };
    node.children.set(key, child);
  }
  return child;
}

export function sorted(children: TreeNode['children']): TreeNode[] {
  return [...children.values()].sort((a, b) => b.weight - a.weight);
}

export function nodeLines(node: TreeNode, first: string, rest: string, options: DumpTextOptions, depth = 1): string[] {
  const { paint, expand } = options;
  const { group, frame } = node;
  const count = group && group.count > 1 ? `${paint(`${formatCount(group.count)} ×`, 'bold')} ` : '';
  const inexact = group && !group.exact ? paint(' function; the await is not known', 'dim') : '';
  const children = sorted(node.children);
  const shown = expand ? children : depth >= LIMIT.depth ? [] : children.slice(0, LIMIT.children);
  const left = children.length - shown.length;
  const bar = children.length > 0 ? '│' : ' ';
  const details = group ? detailsOf(group, children, options) : [];
  return [
    `${first}${count}${nameOf(frame)} ${paint(placeOf(frame), 'cyan')}${inexact}`,
    ...details.map((text) => `${rest}${paint(bar, 'dim')}  ${text}`),
    ...shown.flatMap((child, i) => {
      const last = i === children.length - 1;
      const branch = `${rest}${paint(last ? '└─' : '├─', 'dim')} `;
      return nodeLines(child, branch, `${rest}${last ? ' ' : paint('│', 'dim')}  `, options, depth + 1);
    }),
    ...(left > 0 ? [`${rest}${paint(`└─ ${moreText(left)}`, 'dim')}`] : []),
  ];
}

function detailsOf(group: CallGroup, children: readonly TreeNode[], { paint, width }: DumpTextOptions): string[] {
  const lines: string[] = [];
  if (group.awaits) lines.push(paint(group.awaits.slice(0, width), 'dim'));
  const { settledBy, otherAwaiters, repeats, ageMs } = group;
  if (repeats) lines.push(paint('awaits itself again and again: an await cycle or a deep recursion', 'yellow'));
  if (otherAwaiters > 0) lines.push(`awaited by ${formatCount(otherAwaiters)} calls`);
  if (ageMs !== null) lines.push(`since ${formatMs(ageMs)}`);
  // What it awaits is a call listed right below.
  const isListed = settledBy?.kind === 'async-call' && children.some(({ frame }) => isSame(frame, settledBy.call));
  if (settledBy && !isListed) lines.push(settledText(settledBy, paint));
  return lines;
}

function isSame(a: Frame, b: Frame | undefined): boolean {
  return (
    b !== undefined && a.function === b.function && a.file === b.file && a.line === b.line && a.column === b.column
  );
}
