/**
 * Keeps the watchdog's interrupts and the termination of a thread apart.
 *
 * V8 ends what runs at that moment when a thread is told to end. Where that is what the inspector evaluates, the thread goes on
 * as if nothing had been said (Node 20–26), and `worker.terminate()` never ends it; on Node 20 the process aborts if the
 * thread is in Atomics.wait. So whoever evaluates says so before, whoever terminates says so before, and each then looks at what the
 * other has said: the one waits for the end of what runs, the other does not begin.
 *
 * The words are in memory that all threads of the process share; worker threads get it as environment data. Four for each
 * thread, by its number; the first four are for all. Threads whose numbers are that far apart share words: the number of the
 * thread that ends is one of them, so that nothing is taken for the other's, and who counts together waits together.
 */
import {
  add,
  load,
  monotonicMs,
  NativeInt32Array,
  NativeSharedArrayBuffer,
  notify,
  store,
  wait,
} from './primordials.ts';

export type ThreadGate = Int32Array;

const THREADS = 1024;
const STRIDE = 4;
/** Of the first words: evaluations in worker threads that are on their way. */
const ALL_ASKED = 0;
/** Of a thread's words. */
const Of = { Asked: 0, AskedThread: 1, EndingThread: 2, Parent: 3 } as const;
/** Threads that start threads that start threads. */
const MAX_DEPTH = 16;
/** 0 stands for nobody. */
const NUMBER = 1;

/** Under this name worker threads find the gate (worker_threads' getEnvironmentData). */
export const GATE_KEY = 'evdiag.thread-gate';
/** Whoever terminates a thread waits at most this long; what has not begun to be evaluated by then harms nothing. */
export const GATE_MS = 100;

export function createThreadGate(): ThreadGate {
  return new NativeInt32Array(new NativeSharedArrayBuffer((THREADS + 1) * STRIDE * 4));
}

/** What another thread has handed on may be anything. */
export function isThreadGate(value: unknown): value is ThreadGate {
  return value instanceof NativeInt32Array && value.length === (THREADS + 1) * STRIDE;
}

const at = (threadId: number, word: number): number => ((threadId % THREADS) + 1) * STRIDE + word;

export function setParent(gate: ThreadGate, threadId: number, parentId: number): void {
  store(gate, at(threadId, Of.Parent), parentId);
}

/** Whether the thread, or one that it would end with, has been told to end. The end of the process does not stop the main thread. */
export function isEnding(gate: ThreadGate, threadId: number): boolean {
  for (let id = threadId, depth = 0; depth < MAX_DEPTH; depth++) {
    if (threadId !== 0 && load(gate, at(id, Of.EndingThread)) === id + NUMBER) return true;
    if (id === 0) return false;
    id = load(gate, at(id, Of.Parent));
  }
  return true;
}

/** Before something is evaluated in the thread; false where it must not be. */
export function beginAsking(gate: ThreadGate, threadId: number): boolean {
  if (isEnding(gate, threadId)) return false;
  store(gate, at(threadId, Of.AskedThread), threadId);
  add(gate, at(threadId, Of.Asked), 1);
  if (threadId !== 0) add(gate, ALL_ASKED, 1);
  if (!isEnding(gate, threadId)) return true;
  endAsking(gate, threadId);
  return false;
}

/** When the answer has come, or can no longer come. */
export function endAsking(gate: ThreadGate, threadId: number): void {
  add(gate, at(threadId, Of.Asked), -1);
  notify(gate, at(threadId, Of.Asked));
  if (threadId !== 0) add(gate, ALL_ASKED, -1);
}

/** Before the thread, with those that it has started, is told to end: nothing more is evaluated there, and nothing is any more. */
export function endThread(gate: ThreadGate, threadId: number): void {
  store(gate, at(threadId, Of.EndingThread), threadId + NUMBER);
  if (load(gate, ALL_ASKED) === 0) return;
  const giveUpAt = monotonicMs() + GATE_MS;
  for (let slot = 0; slot < THREADS; slot++) {
    if (load(gate, at(slot, Of.Asked)) > 0 && isWithin(gate, load(gate, at(slot, Of.AskedThread)), threadId)) {
      waitForAnswers(gate, slot, giveUpAt);
    }
  }
}

/**
 * In the thread itself, once it has said that it must not be interrupted: what was asked before is answered first. Interrupts
 * come while it waits here.
 */
export function answerFirst(gate: ThreadGate, threadId: number): void {
  if (load(gate, at(threadId, Of.Asked)) > 0) waitForAnswers(gate, threadId, monotonicMs() + GATE_MS);
}

function isWithin(gate: ThreadGate, threadId: number, outer: number): boolean {
  for (let id = threadId, depth = 0; depth < MAX_DEPTH; depth++) {
    if (id === outer) return true;
    if (id === 0) return false;
    id = load(gate, at(id, Of.Parent));
  }
  return true;
}

/** Interrupts of this thread come meanwhile. */
function waitForAnswers(gate: ThreadGate, threadId: number, giveUpAt: number): void {
  const word = at(threadId, Of.Asked);
  for (let asked = load(gate, word); asked > 0; asked = load(gate, word)) {
    const leftMs = giveUpAt - monotonicMs();
    if (leftMs <= 0) return;
    wait(gate, word, asked, leftMs);
  }
}
