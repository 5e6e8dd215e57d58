/** A hand-driven thread for the middle of the watchdog: its clock, its rows, and an inspector that answers when told to. */
import type { StackCapture, User } from '../../agents/watchdog/platform/stack-capture.ts';
import type { Row, RowOf, RowType } from '../../src/recording/types.ts';

interface Call {
  user: User;
  name: string;
  params?: unknown;
  answer(value: unknown): void;
}

export function fakeThread() {
  const rows: Row[] = [];
  const calls: Call[] = [];
  const detached: (User | undefined)[] = [];
  let now = 0;
  const note = (user: User, name: string, answer: (value: never) => void = () => {}, params?: unknown): void => {
    calls.push({ user, name, params, answer: answer as Call['answer'] });
  };
  const capture: StackCapture = {
    ask: (user, _question, answer) => note(user, 'stack', answer),
    call: (user, name, _args, answer) => note(user, name, answer),
    post: (user, method, params, answer) => note(user, method, answer, params),
    letGo: () => {},
    detach: (user) => void detached.push(user),
    hasEnded: () => false,
  };
  return {
    capture,
    calls,
    detached,
    rows: <T extends RowType>(type: T) => rows.filter((row): row is RowOf<T> => row.type === type),
    add: (...more: Row[]) => void rows.push(...more),
    now: () => now,
    at: (ms: number) => {
      now = ms;
    },
    /** The names of what was asked since the last time. */
    asked: () => calls.splice(0).map(({ name }) => name),
    /** Answers all open questions of a name. */
    answer(name: string, value: unknown): number {
      const open = calls.filter((call) => call.name === name);
      for (const call of open) calls.splice(calls.indexOf(call), 1);
      for (const call of open) call.answer(value);
      return open.length;
    },
  };
}
