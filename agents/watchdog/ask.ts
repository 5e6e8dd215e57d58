import type { AnswerOf, ArgsOf, ThreadCall } from '../../src/protocol/thread-api.ts';
import type { StackCapture, User } from './platform/stack-capture.ts';

/** A thread that is not inside a native call answers within this time. */
export const ANSWER_MS = 2000;
export const THREAD_ENDED = 'the thread ended meanwhile';

/**
 * Calls a function of the agent in that thread: null if it has no answer, threw or ended, undefined if none came
 * in time.
 */
export function askThread<Name extends ThreadCall>(
  capture: StackCapture,
  user: User,
  name: Name,
  args: ArgsOf<Name>,
  ms = ANSWER_MS,
): Promise<AnswerOf<Name> | null | undefined> {
  return within(ms, (answer) => capture.call(user, name, args, answer));
}

/** The answer, undefined if none comes in time. */
export function within<T>(ms: number, ask: (answer: (value: T) => void) => void): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    ask((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
