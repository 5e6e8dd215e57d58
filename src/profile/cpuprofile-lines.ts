/** Which lines of a function a CPU profile saw: V8's ticks by line. */
import { type Loose, numberOf, objectOf, textOf, weightOf } from './loose.ts';
import type { LineWeights } from './types.ts';

/** What Deno transpiles. */
const TRANSPILED = /\.([cm]?ts|[jt]sx)$/;

/** V8 counts ticks by line; a line has its share of what its node weighs. */
export function readLines(
  nodes: readonly Loose[],
  nodeOf: ReadonlyMap<number, number>,
  ownById: ReadonlyMap<number, number>,
  toLine: (url: string, line: number) => number,
): LineWeights | null {
  const node: number[] = [];
  const line: number[] = [];
  const weight: number[] = [];
  const isOther = otherCode(nodes);
  for (const { id, positionTicks, callFrame } of nodes) {
    const ownWeight = ownById.get(numberOf(id, -1));
    if (!Array.isArray(positionTicks) || !ownWeight) continue;
    const url = textOf((callFrame as Loose).url);
    const ticks = positionTicks.map((tick) => objectOf(tick, 'a tick'));
    if (isOther(url)) continue;
    const all = ticks.reduce((sum, tick) => sum + weightOf(tick.ticks), 0);
    for (const tick of ticks) {
      const share = weightOf(tick.ticks) / Math.max(1, all);
      if (share === 0 || url === '') continue;
      node.push(nodeOf.get(numberOf(id, -1)) ?? 0);
      line.push(toLine(url, Math.max(0, numberOf(tick.line, 0))));
      weight.push(ownWeight * share);
    }
  }
  if (node.length === 0) return null;
  return { node: Uint32Array.from(node), line: Uint32Array.from(line), weight: Float64Array.from(weight) };
}

/**
 * Files whose lines are those of other code: Deno gives the places of functions in the source, but ticks by lines of what it
 * compiled it to. Then some lines come before their function.
 */
function otherCode(nodes: readonly Loose[]): (url: string) => boolean {
  const isDeno = nodes.some(({ callFrame }) => /^ext:(core|deno)/.test(textOf((callFrame as Loose)?.url)));
  const files = new Set<string>();
  for (const { callFrame, positionTicks } of nodes) {
    const { url, lineNumber } = (callFrame ?? {}) as Loose;
    if (!Array.isArray(positionTicks) || !TRANSPILED.test(textOf(url))) continue;
    const first = numberOf(lineNumber, -1) + 1;
    if (isDeno || positionTicks.some((tick) => numberOf((tick as Loose | null)?.line, first) < first))
      files.add(textOf(url));
  }
  return (url) => files.has(url);
}
