import { WITHOUT_INSPECTOR } from '../../../inspection.ts';
import type { Client, DumpableThread, Target } from './types.ts';

/** Within this time a thread answers that is not inside a native call. */
export const ANSWER_MS = 2000;
export const THREAD_ENDED = 'the thread ended meanwhile';
const CLIENT_GONE = 'The client has gone.';

/**
 * Calls a function of the agent in that thread; the answer is its JSON, null where it has none, threw or ended,
 * undefined where none came in time. Rejects where the client has gone: nobody asks for it any more.
 */
export async function askThread(
  { capture }: DumpableThread,
  client: Client,
  call: string,
  ms = ANSWER_MS,
): Promise<unknown> {
  if (client.isGone()) throw new Error(CLIENT_GONE);
  return within(ms, (answer) => capture.evaluate('dump', call, answer));
}

/** The answer, undefined where none comes in time. */
export function within<T>(ms: number, ask: (answer: (value: T) => void) => void): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    ask((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

/**
 * Work in the threads that ends with its client: `leave` is called once, at its end or as soon as the client has gone,
 * whatever the threads have not answered by then, and the next one may begin.
 */
export function whileConnected<T>(client: Client, leave: () => void, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = false;
    const end = (): void => {
      if (!left) leave();
      left = true;
    };
    client.onGone(() => {
      end();
      reject(new Error(CLIENT_GONE));
    });
    if (!left) work().finally(end).then(resolve, reject);
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws a sentence where the threads cannot be asked. */
export function requireInspector({ inspection }: Target): void {
  if (inspection !== 'possible') throw new Error(WITHOUT_INSPECTOR[inspection]);
}
