/** The graph of who waits for what, and what in it can never go on. Knows nothing of heaps. */

/** 'all' waits for all of `out`, any other node for one of them. */
export interface WaitNode {
  kind: 'call' | 'promise' | 'lock' | 'all';
  /** Index of the call, or node of the snapshot. */
  ref: number;
  out: WaitNode[];
  into: WaitNode[];
  /** It may go on, by itself or after something that may. */
  free: boolean;
}

/** Sets `free` on all that can go on. A node that waits for nothing known is free. */
export function freeUp(nodes: readonly WaitNode[]): void {
  const waitsFor = new Map<WaitNode, number>();
  for (const node of nodes) if (node.kind === 'all') waitsFor.set(node, node.out.length);
  for (const node of nodes) if (node.out.length === 0) node.free = true;
  const toDo = nodes.filter(({ free }) => free);
  for (let node = toDo.pop(); node; node = toDo.pop()) {
    for (const waiting of node.into) {
      if (waiting.free) continue;
      const left = (waitsFor.get(waiting) ?? 1) - 1;
      waitsFor.set(waiting, left);
      if (waiting.kind === 'all' && left > 0) continue;
      waiting.free = true;
      toDo.push(waiting);
    }
  }
}

interface Visit {
  node: WaitNode;
  /** Of `node.out`. */
  next: number;
}

/** The strongly connected parts with a cycle in them (Tarjan's algorithm, with a stack of its own: chains may be long). */
export function connectedParts(nodes: readonly WaitNode[]): WaitNode[][] {
  const order = new Map<WaitNode, number>();
  const low = new Map<WaitNode, number>();
  const open: WaitNode[] = [];
  const isOpen = new Set<WaitNode>();
  const parts: WaitNode[][] = [];
  const enter = (node: WaitNode): Visit => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    open.push(node);
    isOpen.add(node);
    return { node, next: 0 };
  };
  const lower = (node: WaitNode, to: number) => low.set(node, Math.min(low.get(node)!, to));
  const leave = (node: WaitNode) => {
    if (low.get(node) !== order.get(node)) return;
    const part = open.splice(open.lastIndexOf(node));
    for (const member of part) isOpen.delete(member);
    if (part.length > 1 || node.out.includes(node)) parts.push(part);
  };
  for (const start of nodes) {
    const visits: Visit[] = order.has(start) ? [] : [enter(start)];
    for (let visit = visits.at(-1); visit; visit = visits.at(-1)) {
      const { node } = visit;
      const next = node.out[visit.next++];
      if (!next) {
        visits.pop();
        leave(node);
        const above = visits.at(-1);
        if (above) lower(above.node, low.get(node)!);
      } else if (next.free) continue;
      else if (!order.has(next)) visits.push(enter(next));
      else if (isOpen.has(next)) lower(node, order.get(next)!);
    }
  }
  return parts;
}

/** A shortest cycle through the part's first call, in the order of waiting. */
export function shortestCycle(part: readonly WaitNode[]): WaitNode[] {
  const calls = part.filter(({ kind }) => kind === 'call').sort((a, b) => a.ref - b.ref);
  const start = calls[0] ?? part[0]!;
  const inside = new Set(part);
  const from = new Map<WaitNode, WaitNode>();
  const seen = new Set([start]);
  for (const node of seen) {
    for (const next of node.out) {
      if (next === start) return wayTo(node, from);
      if (!inside.has(next) || seen.has(next)) continue;
      seen.add(next);
      from.set(next, node);
    }
  }
  return [];
}

function wayTo(last: WaitNode, from: Map<WaitNode, WaitNode>): WaitNode[] {
  const way: WaitNode[] = [];
  for (let node: WaitNode | undefined = last; node; node = from.get(node)) way.unshift(node);
  return way;
}
