import type { ProfileFrame, ThreadProfile } from './types.ts';

/** Own weight and that of everything it called, by node: children come after their parents. */
export function totalsOf({ parent, self }: ThreadProfile): Float64Array {
  const totals = Float64Array.from(self);
  for (let node = totals.length - 1; node > 0; node--) totals[parent[node]!]! += totals[node]!;
  return totals;
}

/** The weight of the whole thread. */
export function totalOf({ self }: ThreadProfile): number {
  let sum = 0;
  for (let node = 0; node < self.length; node++) sum += self[node]!;
  return sum;
}

/** By node, its children as a linked list: `first[node]`, then `next[child]`, -1 at the end. */
export function childLists({ parent }: ThreadProfile): { first: Int32Array; next: Int32Array } {
  const first = new Int32Array(parent.length).fill(-1);
  const next = new Int32Array(parent.length).fill(-1);
  for (let node = parent.length - 1; node > 0; node--) {
    next[node] = first[parent[node]!]!;
    first[parent[node]!] = node;
  }
  return { first, next };
}

/** The stack of a node as indexes of frames, outermost first. */
export function stackOf({ parent, frame }: ThreadProfile, node: number): number[] {
  const stack: number[] = [];
  for (let at = node; at > 0; at = parent[at]!) stack.push(frame[at]!);
  return stack.reverse();
}

/** By node, the length of its stack. */
export function depthsOf({ parent }: ThreadProfile): Uint32Array {
  const depths = new Uint32Array(parent.length);
  for (let node = 1; node < depths.length; node++) depths[node] = depths[parent[node]!]! + 1;
  return depths;
}

/** Goes through the tree depth first, without recursion: `enter` a node, what it called, `leave` it. The root is left out. */
export function walk(thread: ThreadProfile, enter: (node: number) => void, leave: (node: number) => void): void {
  const { first, next } = childLists(thread);
  for (let node = first[0] ?? -1; node > 0; ) {
    enter(node);
    if (first[node]! >= 0) {
      node = first[node]!;
      continue;
    }
    leave(node);
    while (node > 0 && next[node]! < 0) {
      node = thread.parent[node]!;
      if (node > 0) leave(node);
    }
    node = node > 0 ? next[node]! : 0;
  }
}

/** 'handler', '(anonymous)' */
export function frameName({ function: name }: ProfileFrame): string {
  return name || '(anonymous)';
}

/** 'handler server.ts:12': the file's name with its folder, as it is short enough for a picture. */
export function shortLabel(frame: ProfileFrame): string {
  const { file, line } = frame;
  if (file === '') return frameName(frame);
  const parts = file.split(/[\\/]/);
  const inPackage = parts.lastIndexOf('node_modules');
  const shown = inPackage >= 0 ? parts.slice(inPackage + 1) : parts.slice(-2);
  return `${frameName(frame)} ${shown.join('/')}${line > 0 ? `:${line}` : ''}`;
}

/** The package a file belongs to; null for the user's own code and code without a file. */
export function packageOf({ file }: ProfileFrame): string | null {
  if (file.startsWith('node:')) return 'node';
  const parts = file.split(/[\\/]/);
  const at = parts.lastIndexOf('node_modules');
  const name = at >= 0 ? parts[at + 1] : undefined;
  if (!name) return null;
  return name.startsWith('@') ? `${name}/${parts[at + 2] ?? ''}` : name;
}

/** The same tree, in which idle nodes weigh nothing. */
export function withoutIdle(thread: ThreadProfile): ThreadProfile {
  const self = Float64Array.from(thread.self, (weight, node) =>
    thread.frames[thread.frame[node]!]?.category === 'idle' ? 0 : weight,
  );
  return { ...thread, self };
}
