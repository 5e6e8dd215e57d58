/**
 * Keeps one object of `process.nextTick` alive.
 *
 * Node (20, 22, 26) makes these objects by a literal with computed keys, and V8 knows only one hidden class there. If it collects
 * garbage while no tick waits, the hidden class goes as well; the next tick has a new one, and from then on V8 makes each object
 * in its runtime: a tick takes 0.3 µs instead of 0.05, for good. A server that answers in 20 µs makes ten ticks for it. The agent leads to
 * collections that the program would not have had, so it sees to it that they do no such harm.
 */
import { executionAsyncResource } from 'node:async_hooks';
import { createSensor, guarded } from '../guard.ts';
import { process } from '../primordials.ts';
import { onLeave } from './leaving.ts';
import { atNextTurn } from './microtask-turns.ts';
import type { NodeInternals } from './node-internals.ts';

const { nextTick } = process;

const kept: { tick: object | null } = { tick: null };

/**
 * Node notes that somebody asked for a resource, and from then on sends each callback from native code through a function of its own, which
 * takes time and shows in stacks: the note is taken back. Without Node's internals, no tick is kept.
 */
export function keepTickShape(internals: NodeInternals | null): void {
  if (internals === null) return;
  const keep = guarded(createSensor('keeping a tick'), () => {
    const { async_hook_fields: fields, constants } = internals.internalBinding('async_wrap');
    const at = constants.kUsesExecutionAsyncResource;
    const before = fields[at]!;
    kept.tick = executionAsyncResource();
    fields[at] = before;
  });
  onLeave(() => {
    kept.tick = null;
  });
  // Not at once: an interrupt may come while Node changes its queue, and somebody who attaches comes by one.
  atNextTurn(() => nextTick(keep));
}
