/** What depends on a promise: the calls that go on and the promises that settle once it does. */
import type { HeapGraph } from './heap-graph.ts';

const NONE = -1;
/** Most reactions of one promise, in case of a cyclic list. */
const MAX_REACTIONS = 1_000_000;

/**
 * How the next promise depends: 'then' is settled by nothing else; 'settle' by any holder of its resolving functions; 'all' when all
 * elements have settled; 'any' and race by one of them; 'maybe' by a handler that can reach a resolving function.
 */
type How = 'then' | 'settle' | 'all' | 'any' | 'maybe';

/** A promise, or the generator object of a call. */
export type Step = { call: number } | { promise: number; how: How };

/** The reaction nodes of a pending promise, the newest first. */
export function reactionsOf(graph: HeapGraph, promise: number): number[] {
  const reactions: number[] = [];
  let reaction = graph.follow(promise, 'reactions_or_result');
  while (graph.isNamed(reaction, 'system / PromiseReaction') && reactions.length < MAX_REACTIONS) {
    reactions.push(reaction);
    reaction = graph.hiddenNamed(reaction, 'system / PromiseReaction');
  }
  return reactions;
}

/** What happens next, once the reaction runs. */
export function stepsOf(graph: HeapGraph, reaction: number): Step[] {
  const steps: Step[] = [];
  for (const target of graph.hiddenTargets(reaction)) {
    const builtin = graph.builtin(target);
    if (builtin === 'resume') return [{ call: callOf(graph, target) }];
    if (builtin) steps.push({ promise: promiseOf(graph, target), how: builtin });
    else if (graph.isNamed(target, 'system / PromiseCapability'))
      steps.push({ promise: graph.promiseAmong(target), how: 'then' });
    else if (graph.isPromise(target)) steps.push({ promise: target, how: 'then' });
    else steps.push(...withinReach(graph, target));
  }
  return steps.filter((step) => 'call' in step || step.promise !== NONE);
}

/** The generator object that a resuming function belongs to. */
export function callOf(graph: HeapGraph, resume: number): number {
  const slots = graph.hiddenTargets(graph.follow(resume, 'context'));
  return slots.find((slot) => graph.isCall(slot)) ?? NONE;
}

/** The promise that a resolving function, or the function of an element of Promise.all, belongs to. */
function promiseOf(graph: HeapGraph, closure: number): number {
  const context = graph.follow(closure, 'context');
  const own = graph.promiseAmong(context);
  return own !== NONE ? own : graph.promiseAmong(graph.hiddenNamed(context, 'system / PromiseCapability'));
}

/** `p.then((value) => resolve(value))`: resolving functions in the innermost scope of a handler. */
function withinReach(graph: HeapGraph, handler: number): Step[] {
  const context = graph.follow(handler, 'context');
  if (context === NONE || graph.isModuleContext(context)) return [];
  return graph
    .variables(context)
    .filter((value) => graph.builtin(value) === 'settle')
    .map((value) => ({ promise: promiseOf(graph, value), how: 'maybe' as const }));
}
