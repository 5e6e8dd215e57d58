import { Word } from '../shared-memory.ts';
import { beginAsking, endAsking, isEnding, isTerminated, type ThreadGate } from '../thread-gate.ts';
import { openFutexWait } from './recent/thread-state.ts';
import type { ThreadData } from './types.ts';

/** When a thread may be interrupted to evaluate something. */
export interface Interrupts {
  /** False if it must not be; otherwise call `end` when the answer has come or none is expected any more. */
  begin(): boolean;
  end(): void;
  /** The thread was told to end, and an interrupt has lost that: whether it may be told again. */
  mayTerminate(): boolean;
  /** It was terminated; its code may be told to end any number of times. */
  isTerminated(): boolean;
  close(): void;
}

/** Node 20 aborts if that happens in Atomics.wait, from which it does pass on each termination. */
const TERMINATES_WAITING = !process.version.startsWith('v20.');

/**
 * A worker thread in Atomics.wait (or in WebAssembly's, which has no wrapper) is idle and needs no interrupt; one that is
 * to end must not be interrupted, nor a script that a timeout may end: see thread-gate.ts and shields.ts.
 */
export function createInterrupts({ threadId, nativeId, shared, gated }: ThreadData, gate: ThreadGate): Interrupts {
  const { control } = shared;
  const isWorker = threadId !== 0;
  const futex = openFutexWait(isWorker ? nativeId : null);
  const isShielded = (): boolean =>
    Atomics.load(control, Word.Terminable) > 0 || (isWorker && Atomics.load(control, Word.Waiting) > 0);
  const end = (): void => endAsking(gate, threadId);
  return {
    begin() {
      if (!gated || isShielded() || futex() === true || !beginAsking(gate, threadId)) return false;
      // The thread first says that it must not be interrupted, then checks whether it was asked; here the order is reversed.
      if (!isShielded()) return true;
      end();
      return false;
    },
    end,
    mayTerminate: () =>
      isWorker && isEnding(gate, threadId) && (TERMINATES_WAITING || Atomics.load(control, Word.Waiting) === 0),
    isTerminated: () => isWorker && TERMINATES_WAITING && isTerminated(gate, threadId),
    close: () => futex.close(),
  };
}
