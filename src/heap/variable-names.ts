/** What the user's code calls a thing: the variables and properties that hold it. */
import type { HeapGraph } from './heap-graph.ts';
import { holdersOf } from './retaining.ts';

const MAX_OWNERS = 4;

/** Variables and properties that lead to a thing, from the outside in, e.g. ['client', 'pending'], and the script of the variable. */
export function ownerNames(graph: HeapGraph, structure: number): { names: string[]; url: string } {
  const names: string[] = [];
  let node = structure;
  for (let i = 0; i < MAX_OWNERS; i++) {
    const holders = holdersOf(graph, node);
    const scope = holders.find((holder) => graph.isContext(holder.node) && isNamedVariable(graph, holder.edge));
    if (scope) return { names: [graph.snapshot.edgeName(scope.edge), ...names], url: scopeUrl(graph, scope.node) };
    const owner = holders.find((holder) => isProperty(graph, holder.edge) && holder.node !== structure);
    if (!owner) break;
    names.unshift(graph.snapshot.edgeName(owner.edge));
    node = owner.node;
  }
  return { names, url: '' };
}

const isNamedVariable = (graph: HeapGraph, edge: number) =>
  isVariable(graph, edge) && graph.snapshot.edgeName(edge) !== 'this';

/** The edge of a context to the value of a variable. */
export const isVariable = (graph: HeapGraph, edge: number) => graph.snapshot.edgeType(edge) === 'context';
/** The edge to the value of a property. */
export const isProperty = (graph: HeapGraph, edge: number) =>
  graph.snapshot.edgeType(edge) === 'property' && !graph.hasName(edge, '__proto__');

/** Script of the first function that was made in the scope; '' where unknown. */
export function scopeUrl(graph: HeapGraph, scope: number): string {
  const closure = holdersOf(graph, scope).find(
    ({ edge, node }) => graph.hasName(edge, 'context') && graph.isClosure(node),
  );
  return closure ? graph.place(closure.node).url : '';
}
