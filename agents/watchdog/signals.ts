import { createRequire } from 'node:module';
import { Word } from '../shared-memory.ts';

interface SignalHandle {
  onsignal: (signal: number) => void;
  start(signal: number): number;
  unref(): void;
  close(): void;
}

const SIGNALS = [
  { name: 'SIGINT', number: 2, word: Word.HandlesSigint },
  { name: 'SIGTERM', number: 15, word: Word.HandlesSigterm },
] as const;

/**
 * Lets the watchdog say its last words when SIGINT or SIGTERM ends the process.
 *
 * The handle lives on this thread's libuv loop, so the signal is heard while the main thread is blocked, and a
 * blocked program dies from Ctrl-C as quickly as without the agent: after `lastWords` the handle is closed, which
 * restores the default action, and the signal is raised again. Where the application handles the signal, nothing is done.
 * Node opens such handles on its main thread only; this thread was started with --expose-internals to reach the
 * class behind them. Where that fails (Windows, other runtimes), signals end the process without a summary.
 */
export function watchSignals(control: Int32Array, lastWords: (signal: string) => void): void {
  if (process.platform === 'win32') return;
  const require = createRequire(__filename);
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: 'signal_wrap'): { Signal: new () => SignalHandle };
  };
  const { Signal } = internalBinding('signal_wrap');
  for (const { name, number, word } of SIGNALS) {
    const handle = new Signal();
    handle.unref();
    handle.onsignal = () => {
      if (Atomics.load(control, word) === 1) return;
      lastWords(name);
      handle.close();
      // The default action is back once the handle is closed, on the next turn of this loop.
      setTimeout(() => process.kill(process.pid, name), 1);
    };
    handle.start(number);
  }
}
