/** Who calls a function, whom it calls, and where the time goes below it. */
import { frameName, totalsOf, walk } from '../../../profile/call-tree.ts';
import type { ProfileFrame, ThreadProfile } from '../../../profile/types.ts';

export interface Relations {
  self: number;
  /** On the stack at all. */
  total: number;
  /** By index of their frame, the heaviest first; -1 for the root. */
  callers: Related[];
  callees: Related[];
  /** Nodes of the heaviest path through it, outermost first; `at` is where the function stands in it. */
  path: number[];
  at: number;
  totals: Float64Array;
}

export interface Related {
  frame: number;
  weight: number;
}

/** What of the thread's own weight counts: idle time does not. */
export function relationsOf(thread: ThreadProfile, wanted: ProfileFrame): Relations {
  const { parent, frame, self, frames } = thread;
  const isIt = frames.map((one) => isSame(one, wanted));
  const totals = totalsOf(thread);
  const [callers, callees] = [new Map<number, number>(), new Map<number, number>()];
  /** Nodes below it; and by frame, how often it is on the stack as its callee: it counts once. */
  const inside = new Uint8Array(parent.length);
  const counted = new Uint32Array(frames.length);
  const isCallee = (node: number): boolean => isIt[frame[parent[node]!]!] === true && !isIt[frame[node]!];
  let [own, total, heaviest] = [0, 0, 0];
  const enter = (node: number): void => {
    const up = parent[node]!;
    const its = frame[node]!;
    inside[node] = inside[up] || (isIt[its] ? 1 : 0);
    if (isCallee(node) && counted[its]!++ === 0) add(callees, its, totals[node]!);
    if (!isIt[its]) return;
    own += self[node]!;
    if (inside[up]) return;
    total += totals[node]!;
    if (totals[node]! > (totals[heaviest] ?? 0) || heaviest === 0) heaviest = node;
    add(callers, frame[up]!, totals[node]!);
  };
  walk(thread, enter, (node) => {
    if (isCallee(node)) counted[frame[node]!]!--;
  });
  return {
    self: own,
    total,
    callers: sorted(callers),
    callees: sorted(callees),
    ...pathThrough(thread, heaviest, totals),
    totals,
  };
}

function isSame(a: ProfileFrame, b: ProfileFrame): boolean {
  return frameName(a) === frameName(b) && a.file === b.file && a.line === b.line && a.column === b.column;
}

function add(sums: Map<number, number>, frame: number, weight: number): void {
  if (weight > 0) sums.set(frame, (sums.get(frame) ?? 0) + weight);
}

function sorted(sums: ReadonlyMap<number, number>): Related[] {
  return [...sums].map(([frame, weight]) => ({ frame, weight })).sort((a, b) => b.weight - a.weight);
}

/** From the root to the node, and on to the heaviest child each, as long as that has more than the node itself. */
function pathThrough(
  { parent, self }: ThreadProfile,
  through: number,
  totals: Float64Array,
): { path: number[]; at: number } {
  const path: number[] = [];
  if (through === 0) return { path, at: 0 };
  for (let node = through; node > 0; node = parent[node]!) path.push(node);
  path.reverse();
  const at = path.length - 1;
  // A parent stands before its children: the heaviest of each, in one go.
  const heaviest = new Map<number, number>();
  for (let node = through + 1; node < parent.length; node++) {
    const best = heaviest.get(parent[node]!);
    if (best === undefined || totals[node]! > totals[best]!) heaviest.set(parent[node]!, node);
  }
  for (let node = heaviest.get(through); node !== undefined; node = heaviest.get(node)) {
    if (totals[node]! <= self[parent[node]!]! || totals[node] === 0) break;
    path.push(node);
  }
  return { path, at };
}
