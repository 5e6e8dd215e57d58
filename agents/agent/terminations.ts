import { getEnvironmentData, threadId as ownId, setEnvironmentData, Worker } from 'node:worker_threads';
import { createSensor, guarded } from '../guard.ts';
import { apply, NativeObject } from '../primordials.ts';
import {
  createThreadGate,
  endThread,
  GATE_KEY,
  isThreadGate,
  nativeIdOf,
  setParent,
  type ThreadGate,
} from '../thread-gate.ts';
import { onLeave, replaceUntilLeft } from './leaving.ts';
import { createReminder } from './overdue-workers.ts';
import { makeWayFor } from './own-hooks.ts';
import { type AnyFunction, like } from './replace.ts';

/** In the main thread: for the whole process. Worker threads that are started from now on find it. */
export function openThreadGate(): ThreadGate {
  const gate = createThreadGate();
  handOn(gate);
  return gate;
}

/** In a worker thread; null if it was started by a thread that does not know of it: then it is not interrupted. */
export function findThreadGate(nativeId: number | null): ThreadGate | null {
  const { gate, parentId } = NativeObject(getEnvironmentData(GATE_KEY)) as { gate?: unknown; parentId?: unknown };
  if (!isThreadGate(gate) || typeof parentId !== 'number') return null;
  setParent(gate, ownId, parentId);
  makeWayFor(gate, nativeId);
  handOn(gate);
  return gate;
}

/** For the threads that this one starts, which then know their parent. */
function handOn(gate: ThreadGate): void {
  setEnvironmentData(GATE_KEY, { gate, parentId: ownId });
  onLeave(() => setEnvironmentData(GATE_KEY, undefined as never));
}

/** Terminating a worker of this thread notifies the gate first. To be called when this thread ends: what it returns. */
export function followTerminations(gate: ThreadGate): () => void {
  const holder = Worker.prototype as unknown as Record<string, unknown>;
  const original = holder.terminate as AnyFunction;
  const reminder = createReminder();
  const notify = guarded(createSensor('following terminations', true), (worker: unknown) => {
    const threadId = (worker as { threadId?: unknown } | undefined)?.threadId;
    // -1 once it has ended.
    if (typeof threadId !== 'number' || threadId <= 0) return;
    endThread(gate, threadId);
    reminder.onTerminate(worker as object, nativeIdOf(gate, threadId));
  });
  const wrapper = like(original, function markedCall(this: unknown, ...args) {
    notify(this);
    return apply(original, this, args);
  });
  replaceUntilLeft(holder, 'terminate', original, wrapper);
  return reminder.atExit;
}
