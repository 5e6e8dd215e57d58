/**
 * Async functions and async generators that wait at an `await`, and who waits for whom.
 * A suspended call is an object with its function and its registers. The promise it awaits has a reaction whose function goes on with it.
 */
import { graphOf, type HeapGraph } from './heap-graph.ts';
import { callOf, reactionsOf, stepsOf } from './promise-graph.ts';
import type { HeapSnapshot } from './snapshot.ts';

const NONE = -1;
/** Promises passed through from the result of one call to the `await` of another. */
const MAX_STEPS = 32;
/** Promises that are examined for one call. */
const MAX_PROMISES = 10_000;

/** One suspended async call. Calls refer to each other by their index in the array. */
export interface SuspendedCall {
  index: number;
  /** The generator object. */
  node: number;
  /** The closure. */
  functionNode: number;
  /** '' where it has none. */
  functionName: string;
  kind: 'async function' | 'async generator';
  /** Of the script; '' if V8 has none. */
  url: string;
  /** Where the function begins; 1-based, 0 where unknown. */
  line: number;
  column: number;
  /** The promise of the call; of a generator that of its oldest request. -1: none. */
  resultPromise: number;
  /** A generator has one for each request; otherwise the one above. */
  resultPromises: readonly number[];
  /** The promise at its `await`. */
  waitsFor: number;
  /** The calls that wait for this one's result, also through promises between. */
  awaitedBy: readonly number[];
}

const found = new WeakMap<HeapSnapshot, readonly SuspendedCall[]>();

/** Every call that waits at an `await`, in the order of nodes. A call that is about to go on (its promise has settled) is not among them. */
export function suspendedCalls(snapshot: HeapSnapshot): readonly SuspendedCall[] {
  let calls = found.get(snapshot);
  if (!calls) {
    calls = findCalls(graphOf(snapshot));
    found.set(snapshot, calls);
  }
  return calls;
}

function findCalls(graph: HeapGraph): SuspendedCall[] {
  const awaited = awaitedPromises(graph);
  const nodes = [...awaited.keys()].sort((a, b) => a - b);
  const indexOf = new Map(nodes.map((node, index) => [node, index]));
  const awaitedBy = nodes.map((node) => waiters(graph, resultPromises(graph, node), indexOf));
  return nodes.map((node, index) => describe(graph, node, index, awaited.get(node)!, awaitedBy[index]!));
}

/** The promise that each suspended call awaits: one pass over the edges for all pending promises. */
function awaitedPromises(graph: HeapGraph): Map<number, number> {
  const { snapshot } = graph;
  const awaited = new Map<number, number>();
  for (const edge of snapshot.edgesNamed(graph.id('reactions_or_result'))) {
    if (!graph.hasName(edge, 'reactions_or_result')) continue;
    if (!graph.isNamed(snapshot.edgeTarget(edge), 'system / PromiseReaction')) continue;
    const promise = snapshot.edgeSource(edge);
    for (const reaction of reactionsOf(graph, promise)) {
      for (const target of graph.hiddenTargets(reaction)) {
        if (graph.builtin(target) !== 'resume') continue;
        const call = callOf(graph, target);
        if (call !== NONE) awaited.set(call, promise);
        break;
      }
    }
  }
  return awaited;
}

/** An async function has its promise, an async generator a list of requests with one each. */
function resultPromises(graph: HeapGraph, call: number): number[] {
  const own = graph.promiseAmong(call);
  if (own !== NONE) return [own];
  const promises: number[] = [];
  const seen = new Set<number>();
  let request = graph.hiddenNamed(call, 'system / AsyncGeneratorRequest');
  while (request !== NONE && !seen.has(request)) {
    seen.add(request);
    promises.push(graph.promiseAmong(request));
    request = graph.hiddenNamed(request, 'system / AsyncGeneratorRequest');
  }
  return promises.filter((promise) => promise !== NONE);
}

/** The calls behind these promises, breadth first. */
function waiters(graph: HeapGraph, promises: readonly number[], indexOf: Map<number, number>): number[] {
  const calls = new Set<number>();
  const seen = new Set(promises);
  let frontier = [...promises];
  for (let steps = 0; steps < MAX_STEPS && frontier.length > 0; steps++) {
    const next: number[] = [];
    for (const step of frontier.flatMap((promise) => stepsAfter(graph, promise))) {
      if ('call' in step) {
        const index = indexOf.get(step.call);
        if (index !== undefined) calls.add(index);
      } else if (!seen.has(step.promise) && seen.size < MAX_PROMISES) {
        seen.add(step.promise);
        next.push(step.promise);
      }
    }
    frontier = next;
  }
  return [...calls].sort((a, b) => a - b);
}

const stepsAfter = (graph: HeapGraph, promise: number) =>
  reactionsOf(graph, promise).flatMap((reaction) => stepsOf(graph, reaction));

function describe(
  graph: HeapGraph,
  node: number,
  index: number,
  waitsFor: number,
  awaitedBy: readonly number[],
): SuspendedCall {
  const functionNode = graph.follow(node, 'function');
  const results = resultPromises(graph, node);
  const isFunction = graph.promiseAmong(node) !== NONE;
  return {
    index,
    node,
    functionNode,
    functionName: graph.snapshot.nodeName(functionNode),
    kind: isFunction ? 'async function' : 'async generator',
    ...graph.place(functionNode),
    resultPromise: results[0] ?? NONE,
    resultPromises: results,
    waitsFor,
    awaitedBy,
  };
}
