/**
 * Where the arrays `nodes` and `edges` are in the file. Up to Node 22 each row has a line of its own, and rows of nodes and of edges differ in
 * length: their ends are found by halves. Later ones write no lines: then they are searched for from the beginning.
 */
import { readSync } from 'node:fs';
import type { Bounds } from './pieces.ts';

const WINDOW_BYTES = 1024;
const SEARCH_BYTES = 1 << 18;
const CLOSE = 93;
const ROW = /\n,(\d+(?:,\d+)*)\n/;
const BETWEEN = /\]\s*,\s*"edges"\s*:\s*\[/;
const BEHIND = /\]\s*,\s*"/;

/** Null where the file is not as V8 writes it. `start`: of the first node, behind the bracket. */
export function boundsOf(
  descriptor: number,
  {
    start,
    fileBytes,
    nodeWidth,
    edgeWidth,
  }: { start: number; fileBytes: number; nodeWidth: number; edgeWidth: number },
): { nodes: Bounds; edges: Bounds } | null {
  const widthAt = (offset: number): number => ROW.exec(textAt(descriptor, offset))?.[1]?.split(',').length ?? 0;
  const hasLines = nodeWidth !== edgeWidth && widthAt(start) === nodeWidth;
  const find = (from: number, width: number, pattern: RegExp): { at: number; end: number } | null => {
    const other = hasLines
      ? firstWhere(from, fileBytes, (offset) => widthAt(offset) !== width)
      : bracketAfter(descriptor, from);
    const windowStart = Math.max(from, other - WINDOW_BYTES);
    const text = textAt(descriptor, windowStart, 3 * WINDOW_BYTES);
    const found = pattern.exec(text);
    return found && { at: windowStart + found.index, end: windowStart + found.index + found[0].length };
  };
  const between = find(start, nodeWidth, BETWEEN);
  const behind = between && find(between.end, edgeWidth, BEHIND);
  return behind && { nodes: { start, end: between.at }, edges: { start: between.end, end: behind.at } };
}

/** Where the next closing bracket is; the end of the file if there is none. */
function bracketAfter(descriptor: number, from: number): number {
  const bytes = Buffer.allocUnsafe(SEARCH_BYTES);
  for (let offset = from; ; offset += SEARCH_BYTES) {
    const count = readSync(descriptor, bytes, 0, SEARCH_BYTES, offset);
    const at = bytes.subarray(0, count).indexOf(CLOSE);
    if (at >= 0 || count < SEARCH_BYTES) return offset + (at >= 0 ? at : count);
  }
}

function textAt(descriptor: number, offset: number, length = WINDOW_BYTES): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, length, offset));
}

/** The first offset of which it is true, if it stays so from there on. */
function firstWhere(from: number, to: number, isTrue: (offset: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
