import { frameName, packageOf, totalsOf, walk, withoutIdle } from './call-tree.ts';
import type { Profile, ProfileFrame, ThreadProfile } from './types.ts';

/** What the rows of a table stand for. */
export const GROUPINGS = ['function', 'file', 'package', 'category', 'line'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** One row: weights in the profile's unit. */
export interface TableRow {
  /** 'render', '/srv/view.ts', 'express', 'application', '/srv/view.ts:12' */
  name: string;
  /** Of the function, or of a line; null for the rest. */
  location: { file: string; line: number; column: number } | null;
  category: ProfileFrame['category'] | null;
  self: number;
  /** On the stack at all; a recursive function counts once. For lines the same as `self`. */
  total: number;
}

export interface Table {
  grouping: Grouping;
  /** The whole weight, without idle time. */
  all: number;
  rows: TableRow[];
}

/** Functions, files, packages, categories or lines of all threads, the heaviest by `self` first. Idle time is left out. */
export function tableOf({ threads }: Profile, grouping: Grouping): Table {
  const rows = new Map<string, TableRow>();
  let all = 0;
  for (const thread of threads) all += grouping === 'line' ? addLines(thread, rows) : addFrames(thread, grouping, rows);
  return { grouping, all, rows: [...rows.values()].sort((a, b) => b.self - a.self || b.total - a.total) };
}

function addFrames(thread: ThreadProfile, grouping: Grouping, rows: Map<string, TableRow>): number {
  const { frame, self, frames } = thread;
  const totals = totalsOf(withoutIdle(thread));
  const groups = groupsOf(frames, grouping);
  /** By group, how often it is on the stack: a recursive function counts once. */
  const open = new Uint32Array(groups.keys.length);
  let all = 0;
  const enter = (node: number): void => {
    const of = frames[frame[node]!]!;
    const group = groups.byFrame[frame[node]!]!;
    const isInside = open[group]!++ > 0;
    if (of.category === 'idle') return;
    all += self[node]!;
    if (totals[node] === 0) return;
    const row = rowOf(rows, groups.keys[group]!, of, grouping);
    row.self += self[node]!;
    if (!isInside) row.total += totals[node]!;
  };
  walk(thread, enter, (node) => {
    open[groups.byFrame[frame[node]!]!]!--;
  });
  return all;
}

/** The keys of the rows, each once, and the index of that of each frame. */
function groupsOf(frames: readonly ProfileFrame[], grouping: Grouping): { keys: string[]; byFrame: Uint32Array } {
  const indexes = new Map<string, number>();
  const byFrame = Uint32Array.from(frames, (of) => {
    const key = keyOf(of, grouping);
    const index = indexes.get(key) ?? indexes.size;
    indexes.set(key, index);
    return index;
  });
  return { keys: [...indexes.keys()], byFrame };
}

function keyOf(frame: ProfileFrame, grouping: Grouping): string {
  if (grouping === 'function') return `${frameName(frame)}|${frame.file}|${frame.line}:${frame.column}`;
  if (grouping === 'category') return frame.category;
  if (grouping === 'file') return frame.file || `(${frame.category})`;
  return packageOf(frame) ?? `(${frame.category})`;
}

function rowOf(rows: Map<string, TableRow>, key: string, frame: ProfileFrame, grouping: Grouping): TableRow {
  let row = rows.get(key);
  if (!row) {
    const isFunction = grouping === 'function';
    const { file, line, column, category } = frame;
    const location = isFunction && file !== '' ? { file, line, column } : null;
    row = {
      name: isFunction ? frameName(frame) : key,
      location,
      category: isFunction ? category : null,
      self: 0,
      total: 0,
    };
    rows.set(key, row);
  }
  return row;
}

/** If V8 has lines: their share of their function's own weight. */
function addLines({ lines, frame, frames, self }: ThreadProfile, rows: Map<string, TableRow>): number {
  let all = 0;
  for (let node = 1; node < self.length; node++) if (frames[frame[node]!]!.category !== 'idle') all += self[node]!;
  if (!lines) return all;
  for (let i = 0; i < lines.node.length; i++) {
    const of = frames[frame[lines.node[i]!]!];
    if (!of || of.file === '') continue;
    const line = lines.line[i]!;
    const key = `${of.file}:${line}`;
    const row = rows.get(key) ?? {
      name: frameName(of),
      location: { file: of.file, line, column: 0 },
      category: of.category,
      self: 0,
      total: 0,
    };
    rows.set(key, row);
    row.self += lines.weight[i]!;
    row.total += lines.weight[i]!;
  }
  return all;
}
