import { threadId } from 'node:worker_threads';
import { add, apply, process } from '../primordials.ts';
import { type SharedMemory, Word } from '../shared-memory.ts';
import { answerFirst, GATE_MS, type ThreadGate } from '../thread-gate.ts';
import { restHooks, wakeHooks } from './own-hooks.ts';
import type { AnyFunction } from './replace.ts';

/** In Atomics.wait, Node 20 loses the end of a thread with the evaluation that ran then, until the wait is over; later versions are told again. */
const LOSES_ENDS = process.version.startsWith('v20.');
/** A wait that is over so soon loses nothing. */
const SHORT_MS = 1000;
/** Where the thread, or the main thread on the way to it, has no core. */
const LONG_MS = 2000;

/** How long a wait with that timeout may begin later, so that nothing is evaluated within it. */
function patienceOf(timeout: unknown): number {
  const isShort = typeof timeout === 'number' && timeout < SHORT_MS;
  return LOSES_ENDS && !isShort ? LONG_MS : GATE_MS;
}

/**
 * Calls during which the inspector must not interrupt the thread.
 *
 * Atomics.wait: the thread is idle, and may be terminated, which an interrupt could lose. A script of node:vm with a timeout, or
 * that Ctrl-C ends: V8 ends it like a thread, and an interrupt at that moment, or a hook, would let it run forever.
 */
export function shield({ control }: SharedMemory, gate: ThreadGate | null, original: AnyFunction, word: number) {
  return {
    markedCall(this: unknown, ...args: unknown[]): unknown {
      add(control, word, 1);
      if (word === Word.Terminable) restHooks();
      try {
        if (gate) answerFirst(gate, threadId, word === Word.Waiting ? patienceOf(args[3]) : GATE_MS);
        return apply(original, this, args);
      } finally {
        if (word === Word.Terminable) wakeHooks();
        add(control, word, -1);
      }
    },
  }.markedCall as AnyFunction;
}

/** By the module that SYNC_CALLS names. */
export const SHIELDED: Record<string, number | undefined> = { Atomics: Word.Waiting, Script: Word.Terminable };

interface Terminable {
  timeout?: unknown;
  breakOnSigint?: unknown;
}

/** Scripts that nothing ends early are passed through. */
export function onlyTerminable(original: AnyFunction, marked: AnyFunction): AnyFunction {
  return {
    markedCall(this: unknown, ...args: unknown[]): unknown {
      const options = args[args.length - 1] as Terminable | null | undefined;
      const isTerminable =
        typeof options === 'object' && options !== null && (options.timeout !== undefined || options.breakOnSigint);
      return apply(isTerminable ? marked : original, this, args);
    },
  }.markedCall as AnyFunction;
}
