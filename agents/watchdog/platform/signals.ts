import { createRequire } from 'node:module';
import { printLine } from '../../../src/util/print-line.ts';
import { type SharedMemory, Sum, Word } from '../../shared-memory.ts';
import type { Storage } from '../storage.ts';

interface SignalHandle {
  onsignal: (signal: number) => void;
  start(signal: number): number;
  stop(): number;
  unref(): void;
  close(): void;
}

const SIGNALS = [
  { name: 'SIGINT', number: 2, word: Word.HandlesSigint, removedAt: Sum.SigintRemovedAt },
  { name: 'SIGTERM', number: 15, word: Word.HandlesSigterm, removedAt: Sum.SigtermRemovedAt },
] as const;

/**
 * A handler that takes itself away as it runs (`process.once`) may be gone when this thread hears the same signal:
 * within this time the first signal counts as handled, and only a second one (such handlers often raise it again) ends
 * the process.
 */
const HANDLING_MS = 300;

const UNANSWERED = 'evdiag: storage does not answer; the last rows of the recording are not written';

export interface AtSignal {
  /** Nothing is printed. */
  quiet: boolean;
  /** Examines the program once more before it ends, for a bounded time. */
  lookBack(): Promise<void>;
  lastWords(signal: string): void;
  /** The program handles it itself. */
  onHandled(signal: string): void;
}

/**
 * Lets the watchdog say its last words when SIGINT or SIGTERM ends the process.
 *
 * The handle is on this thread's libuv loop, so the signal is received while the main thread is blocked, and a
 * blocked program dies from Ctrl-C as quickly as without the agent: after `lookBack` and `lastWords` the handle is closed, which
 * restores the default action, and the signal is raised again. A second signal does not wait. If the application handles the
 * signal, it is only reported.
 * Node opens such handles on its main thread only; this thread was started with --expose-internals to reach the
 * class behind them. If that fails (Windows, other runtimes), signals end the process without a summary.
 *
 * During work on storage that may hang the handles are closed: they would not be served, and the signal ends the process by itself.
 * A signal that has come before is followed by last words only if the storage answers.
 */
export function watchSignals(
  { control, numbers }: SharedMemory,
  storage: Storage,
  { lookBack, lastWords, onHandled, quiet }: AtSignal,
): void {
  if (process.platform === 'win32') return;
  const require = createRequire(__filename);
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: 'signal_wrap'): { Signal: new () => SignalHandle };
  };
  const { Signal } = internalBinding('signal_wrap');
  const handles: { handle: SignalHandle; number: number }[] = [];
  let endNow: (() => void) | null = null;
  let hasAnswered = false;
  const endBy = (name: string, handle: SignalHandle) => (): void => {
    if (handles.length === 0) return;
    if (hasAnswered) lastWords(name);
    handles.length = 0;
    handle.close();
    // The default action is back once the handle is closed, on the next turn of this loop.
    setTimeout(() => process.kill(process.pid, name), 1);
  };
  for (const { name, number, word, removedAt } of SIGNALS) {
    const handle = new Signal();
    handle.unref();
    let lastSignalAt = 0;
    handle.onsignal = () => {
      const at = Date.now();
      const again = at - lastSignalAt < HANDLING_MS;
      lastSignalAt = at;
      const wasHandled = !again && at - numbers[removedAt]! < HANDLING_MS;
      if (Atomics.load(control, word) === 1 || wasHandled) return onHandled(name);
      if (endNow) return endNow();
      endNow = endBy(name, handle);
      void storage
        .answers()
        .then((answer) => {
          hasAnswered = answer;
          if (answer) return lookBack();
          if (!quiet) printLine(UNANSWERED);
        })
        .then(endNow, endNow);
    };
    handle.start(number);
    handles.push({ handle, number });
  }
  storage.followSignals({
    release() {
      for (const { handle } of handles) handle.stop();
    },
    resume() {
      for (const { handle, number } of handles) handle.start(number);
    },
  });
}
