/** What settles a promise, in words, and the way to it. */
import { type HeapGraph, isGlobal } from './heap-graph.ts';
import { holdersOf } from './retaining.ts';
import { isProperty, isVariable, ownerNames, scopeUrl } from './variable-names.ts';

export const NONE = -1;
const MAX_TIMERS = 10_000;
const MAX_PATH = 16;

export interface Step {
  node: number;
  depth: number;
  /** What led here. */
  from: Step | undefined;
  /** -1 if V8's own structures were skipped. */
  edge: number;
}

/** Node keeps timers in lists, one for each duration, in an object with the durations as keys. Small integers are in no snapshot. */
export function timerMs(graph: HeapGraph, timer: number): { ms?: number } {
  let node = timer;
  for (let i = 0; i < MAX_TIMERS; i++) {
    if (graph.snapshot.nodeName(node) === 'TimersList') return listMs(graph, node);
    const next = graph.targets(node, (edge) => graph.snapshot.edgeName(edge) === '_idlePrev')[0];
    if (next === undefined) break;
    node = next;
  }
  return {};
}

function listMs(graph: HeapGraph, list: number): { ms?: number } {
  const holders = holdersOf(graph, list).filter(({ node }) => graph.isNamed(node, 'Object'));
  const keys = holders.map(({ edge }) => Number(graph.snapshot.edgeName(edge)));
  const ms = keys.find((key) => Number.isFinite(key));
  return ms === undefined ? {} : { ms };
}

interface Named {
  step: Step;
  variable: string;
  url: string;
}

/** The name of a structure in the user's code: by the path of the search, or by the variable that holds it. */
export function nameOf(graph: HeapGraph, step: Step): Named {
  const isScope = graph.isContext(step.node) || isGlobal(graph, step.node);
  // The scope itself says little; what the variable in it holds does.
  const held = isScope && step.from ? step.from : step;
  const edge = isScope ? step.edge : NONE;
  const inside = edge === NONE ? [] : [graph.snapshot.edgeName(edge)];
  const outside = isScope ? { names: [], url: scopeUrl(graph, step.node) } : ownerNames(graph, step.node);
  const isValue = graph.snapshot.nodeType(held.node) === 'object' && !graph.isContext(held.node);
  return {
    step: isScope && isValue ? held : step,
    variable: [...outside.names, ...inside].join('.'),
    url: outside.url,
  };
}

/** From the promise outwards, without V8's own objects. */
export function pathOf(graph: HeapGraph, last: Step | undefined): string[] {
  const words: string[] = [];
  for (let step = last; step?.from; step = step.from) {
    const word = wordOf(graph, step);
    if (word !== '') words.unshift(word);
  }
  return words.slice(0, MAX_PATH);
}

function wordOf(graph: HeapGraph, { node, edge }: Step): string {
  const { snapshot } = graph;
  const name = snapshot.nodeName(node);
  if (graph.isCall(node)) {
    return `async ${snapshot.nodeName(graph.follow(node, 'function')) || 'function'}`;
  }
  if (graph.builtin(node) === 'settle') return 'resolving function';
  if (graph.isContext(node))
    return edge !== NONE && isVariable(graph, edge) ? `variable ${snapshot.edgeName(edge)}` : '';
  if (graph.isClosure(node)) return `function ${name}`.trim();
  if (edge !== NONE && isProperty(graph, edge)) return `${name}.${snapshot.edgeName(edge)}`;
  if (edge !== NONE && snapshot.edgeType(edge) === 'element') return `${name}[${snapshot.edgeName(edge)}]`;
  return snapshot.nodeType(node) === 'object' || graph.isPromise(node) ? name : '';
}
