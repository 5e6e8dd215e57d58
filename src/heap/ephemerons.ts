/**
 * Values of a WeakMap are reached by their keys alone. V8 writes each pair as two edges, from the table and from the key, both named
 * `… part of key (…) -> value (…) pair in WeakMap (table @id)`; the one from the table holds nothing.
 */
import type { HeapSnapshot } from './snapshot.ts';

const PAIR = ' pair in WeakMap (table @';
const done = new WeakSet<HeapSnapshot>();

/** Makes the edges from the tables of WeakMaps to values weak, in the columns. A second call does nothing. */
export function weakenEphemerons(snapshot: HeapSnapshot): void {
  if (done.has(snapshot)) return;
  done.add(snapshot);
  const { edgeTypes, edgeType, edgeName, firstEdge, nodeId, strings } = snapshot.columns;
  const weak = edgeTypes.indexOf('weak');
  const internal = edgeTypes.indexOf('internal');
  if (weak < 0 || internal < 0) return;
  const tableOf = new Map<number, number>();
  for (const index of strings.containing(PAIR)) {
    const id = /\(table @(\d+)\)$/.exec(strings.at(index))?.[1];
    if (id !== undefined) tableOf.set(index, Number(id));
  }
  if (tableOf.size === 0) return;
  // Sorted indexes of strings: comparing two numbers excludes most edges.
  const names = Uint32Array.from(tableOf.keys()).sort();
  const least = names[0]!;
  const most = names.at(-1)!;
  for (let node = 0; node < snapshot.nodeCount; node++) {
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      const name = edgeName[edge]!;
      if (name < least || name > most || edgeType[edge] !== internal) continue;
      if (tableOf.get(name) === nodeId[node]) edgeType[edge] = weak;
    }
  }
}
