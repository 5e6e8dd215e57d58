/**
 * Keeps the watchdog's interrupts and the termination of a thread apart.
 *
 * When a thread is told to end, V8 ends what is running at that moment. If that is an evaluation of the inspector, the thread goes on
 * as if nothing had happened (Node 20–26), and `worker.terminate()` never ends it; on Node 20 the process aborts if the
 * thread is in Atomics.wait. So evaluations and terminations are both announced before they begin, and each then checks what the
 * other has announced: a termination waits for a running evaluation, an evaluation does not begin.
 *
 * A hook that Node calls from C++ is such code as well (22–26): see own-hooks.ts. It counts when it is entered and left. The
 * termination waits until it has been left, and if there are many also until the thread has disabled its hooks. Who is terminated is
 * told again if that was not enough; nobody is left to do so when the process ends, so that waits until hooks cannot be running.
 *
 * The words are in memory that all threads of the process share; worker threads get it as environment data. Eight for each
 * thread, by its number; the first eight are for all. Threads whose numbers are far enough apart share words: the number of the
 * ending thread is one of them, so that the other is not affected, and threads that are counted together wait together.
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
export const STRIDE = 8;
/** In the first words: evaluations in worker threads that are in progress. */
const ALL_ASKED = 0;
/** And how many threads have been told to end: while it is unchanged, no other word need be read. */
export const ENDINGS = 1;
/** In a thread's words. */
const Of = {
  Asked: 0,
  AskedThread: 1,
  EndingThread: 2,
  Parent: 3,
  Inits: 4,
  HookedThread: 5,
  Native: 6,
  NativeThread: 7,
} as const;
/** Depth of threads that start threads. */
const MAX_DEPTH = 16;
/** 0 means none. */
const NUMBER = 1;
/** In its count of hooks: they are off. */
const MADE_WAY = -1;
/** If hooks are entered this often, the thread is likely to enter another one: it makes resources all the time. */
const MANY_INITS = 200;
/** It disables its hooks at the next one; later if it has no core. */
const MAKE_WAY_MS = 5;
/** Where the machine has no core for a thread, its end waits longer: what ends a process happens once. */
const QUIET_MS = 1500;
/** Node 20 ends a thread whose evaluation was ended within Atomics.wait only when that wait is over. */
const SLICE_MS = 20;
/** Leaving a hook notifies nobody: that would make each of them slower. */
const LOOK_MS = 0.2;

/** Under this name worker threads find the gate (worker_threads' getEnvironmentData). */
export const GATE_KEY = 'evdiag.thread-gate';
/** A termination waits at most this long; an evaluation that has not begun by then does no harm. */
export const GATE_MS = 100;

/** What the kernel says of a thread, by its number there, which may be 0; null if it says nothing. `ran`: rises while it runs, in steps. */
export type ThreadLook = (nativeId: number) => { isGone: boolean; isAsleep: boolean; ran: number } | null;

/** The first step may be of what ran before, the second one began after that, and the first reading is no step. */
const RUNS = 3;

export function createThreadGate(): ThreadGate {
  return new NativeInt32Array(new NativeSharedArrayBuffer((THREADS + 1) * STRIDE * 4));
}

/** What another thread has passed on may be anything. */
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

/** Before something is evaluated in the thread; false if it must not be. */
export function beginAsking(gate: ThreadGate, threadId: number): boolean {
  if (isEnding(gate, threadId)) return false;
  store(gate, at(threadId, Of.AskedThread), threadId);
  add(gate, at(threadId, Of.Asked), 1);
  if (threadId !== 0) add(gate, ALL_ASKED, 1);
  if (!isEnding(gate, threadId)) return true;
  endAsking(gate, threadId);
  return false;
}

/** When the answer has come, or cannot come any more. */
export function endAsking(gate: ThreadGate, threadId: number): void {
  add(gate, at(threadId, Of.Asked), -1);
  notify(gate, at(threadId, Of.Asked));
  if (threadId !== 0) add(gate, ALL_ASKED, -1);
}

/** Before the thread, with those that it has started, is told to end: no evaluation is running there, and none begins. */
export function endThread(gate: ThreadGate, threadId: number): void {
  const wasEnding = isEnding(gate, threadId);
  store(gate, at(threadId, Of.EndingThread), threadId + NUMBER);
  add(gate, ENDINGS, 1);
  endWithin(gate, threadId, wasEnding, (inner, giveUpAt) => waitForInit(gate, inner, giveUpAt));
}

/** The same, before the thread ends by itself, with those that it has started: it may do its remaining work. */
export function leaveThread(gate: ThreadGate, threadId: number, look: ThreadLook): void {
  const word = at(threadId, Of.EndingThread);
  const wasEnding = abs(load(gate, word)) === threadId + NUMBER;
  if (!wasEnding) store(gate, word, -(threadId + NUMBER));
  add(gate, ENDINGS, 1);
  const quietUntil = monotonicMs() + QUIET_MS;
  // It is in no hook itself.
  endWithin(gate, threadId, wasEnding, (inner) => {
    if (inner !== threadId) waitUntilQuiet(gate, inner, quietUntil, look);
  });
}

function endWithin(
  gate: ThreadGate,
  threadId: number,
  wasEnding: boolean,
  waitForHooks: (inner: number, giveUpAt: number) => void,
): void {
  const giveUpAt = monotonicMs() + GATE_MS;
  const areAsked = load(gate, ALL_ASKED) > 0;
  for (let slot = 0; slot < THREADS; slot++) {
    if (areAsked && load(gate, at(slot, Of.Asked)) > 0) {
      if (isWithin(gate, load(gate, at(slot, Of.AskedThread)), threadId)) waitForAnswers(gate, slot, giveUpAt);
    }
    const inner = load(gate, at(slot, Of.HookedThread)) - NUMBER;
    // A thread that has ended in a hook never leaves it.
    if (inner < 0 || wasEnding || !isWithin(gate, inner, threadId) || isEndingBelow(gate, inner, threadId)) continue;
    waitForHooks(inner, giveUpAt);
  }
}

/** Where a thread counts how often `init` of an async hook has been entered, and left: while it is in one, the number is odd. */
export function initsAt(gate: ThreadGate, threadId: number, nativeId: number | null): number {
  store(gate, at(threadId, Of.Inits), 0);
  store(gate, at(threadId, Of.HookedThread), 0);
  store(gate, at(threadId, Of.Native), nativeId ?? 0);
  store(gate, at(threadId, Of.NativeThread), threadId + NUMBER);
  return at(threadId, Of.Inits);
}

/** Its number in the kernel, 0 if that is not known. */
export function nativeIdOf(gate: ThreadGate, threadId: number): number {
  return load(gate, at(threadId, Of.NativeThread)) === threadId + NUMBER ? load(gate, at(threadId, Of.Native)) : 0;
}

/** Before its hooks are enabled; false if the thread is to end: then they stay off. */
export function hooksBegin(gate: ThreadGate, threadId: number): boolean {
  store(gate, at(threadId, Of.HookedThread), threadId + NUMBER);
  if (!isEnding(gate, threadId)) return true;
  hooksEnd(gate, threadId);
  return false;
}

/** Once they have been disabled, outside of them. */
export function hooksEnd(gate: ThreadGate, threadId: number): void {
  store(gate, at(threadId, Of.HookedThread), 0);
}

/** The thread is in its last hook. */
export function madeWay(gate: ThreadGate, threadId: number): void {
  store(gate, at(threadId, Of.Inits), MADE_WAY);
}

/**
 * In the thread itself, after it has announced that it must not be interrupted: earlier evaluations finish first, in so many ms. Interrupts
 * arrive while it waits here.
 */
export function answerFirst(gate: ThreadGate, threadId: number, mostMs: number): void {
  if (load(gate, at(threadId, Of.Asked)) > 0) waitForAnswers(gate, threadId, monotonicMs() + mostMs);
}

function isWithin(gate: ThreadGate, threadId: number, outer: number): boolean {
  for (let id = threadId, depth = 0; depth < MAX_DEPTH; depth++) {
    if (id === outer) return true;
    if (id === 0) return false;
    id = load(gate, at(id, Of.Parent));
  }
  return true;
}

/** Interrupts of this thread arrive meanwhile. */
function waitForAnswers(gate: ThreadGate, threadId: number, giveUpAt: number): void {
  const word = at(threadId, Of.Asked);
  for (let asked = load(gate, word); asked > 0; asked = load(gate, word)) {
    const leftMs = giveUpAt - monotonicMs();
    if (leftMs <= 0) return;
    wait(gate, word, asked, min(leftMs, SLICE_MS));
  }
}

/** In the same order as the other thread: it announces that it is in a hook, and then checks whether it is to end. */
function waitForInit(gate: ThreadGate, threadId: number, giveUpAt: number): void {
  const word = at(threadId, Of.Inits);
  const makeWayUntil = min(giveUpAt, monotonicMs() + MAKE_WAY_MS);
  for (let now = 0; now < giveUpAt; now = monotonicMs()) {
    const count = load(gate, word);
    if (count === MADE_WAY || (count % 2 === 0 && (abs(count) < MANY_INITS || now >= makeWayUntil))) return;
    wait(gate, word, count, LOOK_MS);
  }
}

/**
 * Until the thread cannot be in a hook, nor on its way into one or out of one: it sleeps, or has run for a while without entering any. One
 * that enters the next hook now disables them all, which is not over when it says so.
 */
function waitUntilQuiet(gate: ThreadGate, threadId: number, giveUpAt: number, look: ThreadLook): void {
  const nativeId = nativeIdOf(gate, threadId);
  let count = load(gate, at(threadId, Of.Inits));
  let ran = -1;
  let runs = 0;
  for (let now = monotonicMs(), since = now; now < giveUpAt; now = monotonicMs()) {
    if (load(gate, at(threadId, Of.HookedThread)) !== threadId + NUMBER) return;
    const seen = look(nativeId);
    const latest = load(gate, at(threadId, Of.Inits));
    if (latest !== count) {
      count = latest;
      since = now;
      runs = 0;
    } else if (seen && seen.ran !== ran) runs++;
    if (seen) ran = seen.ran;
    const isLeft = count === MADE_WAY || count % 2 === 0;
    if (seen ? seen.isGone || (isLeft && (seen.isAsleep || runs >= RUNS)) : isLeft && now - since >= MAKE_WAY_MS)
      return;
    wait(gate, at(threadId, Of.Inits), count, LOOK_MS);
  }
}

/** Whether it, or one between it and the outer one, had been told to end before. */
function isEndingBelow(gate: ThreadGate, inner: number, outer: number): boolean {
  for (let id = inner, depth = 0; depth < MAX_DEPTH && id !== outer && id !== 0; depth++) {
    if (abs(load(gate, at(id, Of.EndingThread))) === id + NUMBER) return true;
    id = load(gate, at(id, Of.Parent));
  }
  return false;
}
