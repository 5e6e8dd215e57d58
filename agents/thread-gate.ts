/**
 * Keeps the watchdog's interrupts and the termination of a thread apart.
 *
 * V8 ends what runs at that moment when a thread is told to end. Where that is what the inspector evaluates, the thread goes on
 * as if nothing had been said (Node 20–26), and `worker.terminate()` never ends it; on Node 20 the process aborts if the
 * thread is in Atomics.wait. So whoever evaluates says so before, whoever terminates says so before, and each then looks at what the
 * other has said: the one waits for the end of what runs, the other does not begin.
 *
 * A hook that Node calls from C++ is such code as well (22–26): see own-hooks.ts. It counts when it is entered and left. Whoever
 * terminates waits until it has been left, and where there are many also until the thread has put its hooks away.
 *
 * The words are in memory that all threads of the process share; worker threads get it as environment data. Six for each
 * thread, by its number; the first six are for all. Threads whose numbers are that far apart share words: the number of the
 * thread that ends is one of them, so that nothing is taken for the other's, and who counts together waits together.
 */
import {
  abs,
  add,
  load,
  min,
  monotonicMs,
  NativeInt32Array,
  NativeSharedArrayBuffer,
  notify,
  store,
  wait,
} from './primordials.ts';

export type ThreadGate = Int32Array;

const THREADS = 1024;
export const STRIDE = 6;
/** Of the first words: evaluations in worker threads that are on their way. */
const ALL_ASKED = 0;
/** And how many threads have been told to end: as long as it stays the same, no other word need be looked at. */
export const ENDINGS = 1;
/** Of a thread's words. */
const Of = { Asked: 0, AskedThread: 1, EndingThread: 2, Parent: 3, Inits: 4, InitThread: 5 } as const;
/** Threads that start threads that start threads. */
const MAX_DEPTH = 16;
/** 0 stands for nobody. */
const NUMBER = 1;
/** Of its count of hooks: there are none any more. */
const MADE_WAY = -1;
/** Entered and left so often, it is likely to be on its way into one: it makes resources all the time. */
const MANY_INITS = 200;
/** It puts its hooks away at the next one; where it has no core, later. */
const MAKE_WAY_MS = 5;
/** Nobody is notified of a hook that is left: that would cost each of them. */
const LOOK_MS = 0.2;

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
    if (threadId !== 0 && abs(load(gate, at(id, Of.EndingThread))) === id + NUMBER) return true;
    if (id === 0) return false;
    id = load(gate, at(id, Of.Parent));
  }
  return true;
}

/** Whether the thread, or one that has started it, has been terminated. */
export function isTerminated(gate: ThreadGate, threadId: number): boolean {
  for (let id = threadId, depth = 0; depth < MAX_DEPTH && id !== 0; depth++) {
    if (load(gate, at(id, Of.EndingThread)) === id + NUMBER) return true;
    id = load(gate, at(id, Of.Parent));
  }
  return false;
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
  const wasEnding = isEnding(gate, threadId);
  store(gate, at(threadId, Of.EndingThread), threadId + NUMBER);
  add(gate, ENDINGS, 1);
  endWithin(gate, threadId, wasEnding);
}

/** The same, before the thread ends by itself: what it has to do until then is left to it. */
export function leaveThread(gate: ThreadGate, threadId: number): void {
  const word = at(threadId, Of.EndingThread);
  const wasEnding = abs(load(gate, word)) === threadId + NUMBER;
  if (!wasEnding) store(gate, word, -(threadId + NUMBER));
  add(gate, ENDINGS, 1);
  endWithin(gate, threadId, wasEnding, threadId);
}

function endWithin(gate: ThreadGate, threadId: number, wasEnding: boolean, leaving = -1): void {
  const giveUpAt = monotonicMs() + GATE_MS;
  const areAsked = load(gate, ALL_ASKED) > 0;
  for (let slot = 0; slot < THREADS; slot++) {
    if (areAsked && load(gate, at(slot, Of.Asked)) > 0) {
      if (isWithin(gate, load(gate, at(slot, Of.AskedThread)), threadId)) waitForAnswers(gate, slot, giveUpAt);
    }
    const inner = load(gate, at(slot, Of.InitThread)) - NUMBER;
    // One that has ended in a hook never leaves it; one that ends by itself is in none.
    if (
      inner < 0 ||
      inner === leaving ||
      wasEnding ||
      !isWithin(gate, inner, threadId) ||
      isEndingBelow(gate, inner, threadId)
    )
      continue;
    waitForInit(gate, inner, giveUpAt);
  }
}

/** Where a thread counts how often `init` of an async hook has been entered, and left: while it is in one, the number is odd. */
export function initsAt(gate: ThreadGate, threadId: number): number {
  store(gate, at(threadId, Of.Inits), 0);
  store(gate, at(threadId, Of.InitThread), threadId + NUMBER);
  return at(threadId, Of.Inits);
}

/** No hook is called in that thread any more. */
export function madeWay(gate: ThreadGate, threadId: number): void {
  store(gate, at(threadId, Of.Inits), MADE_WAY);
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

/** In the order of the thread that is waited for: it says that it is in a hook, and then looks whether it is to end. */
function waitForInit(gate: ThreadGate, threadId: number, giveUpAt: number): void {
  const word = at(threadId, Of.Inits);
  const makeWayUntil = min(giveUpAt, monotonicMs() + MAKE_WAY_MS);
  for (let now = 0; now < giveUpAt; now = monotonicMs()) {
    const count = load(gate, word);
    if (count === MADE_WAY || (count % 2 === 0 && (abs(count) < MANY_INITS || now >= makeWayUntil))) return;
    wait(gate, word, count, LOOK_MS);
  }
}

/** Whether it, or one between it and the outer one, had been told before. */
function isEndingBelow(gate: ThreadGate, inner: number, outer: number): boolean {
  for (let id = inner, depth = 0; depth < MAX_DEPTH && id !== outer && id !== 0; depth++) {
    if (abs(load(gate, at(id, Of.EndingThread))) === id + NUMBER) return true;
    id = load(gate, at(id, Of.Parent));
  }
  return false;
}
