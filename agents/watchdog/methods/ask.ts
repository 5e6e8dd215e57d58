import type { DumpableThread } from './types.ts';

/** Within this time a thread answers that is not inside a native call. */
export const ANSWER_MS = 2000;

/**
 * Calls a function of the agent in that thread; the answer is its JSON, null where it has none or threw, undefined where
 * none came in time.
 */
export function askThread(thread: DumpableThread, call: string, ms = ANSWER_MS): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    thread.capture.evaluate('dump', call, (value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
