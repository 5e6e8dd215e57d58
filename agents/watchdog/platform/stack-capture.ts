import {
  AGENT_NAME,
  type AnswerOf,
  type ArgsOf,
  type InterruptedStack,
  type StackQuestion,
  type ThreadCall,
} from '../../../src/protocol/thread-api.ts';
import { type Inspection, WITHOUT_INSPECTOR } from '../../inspection.ts';
import type { Interrupts } from '../interrupts.ts';
import { type Connection, connectToMain, WorkerConnection } from './connections.ts';
import { areSessionsHeld, whenReleased } from './held-sessions.ts';
import type { CallParams, CallResult, InspectorCall } from './inspector-calls.ts';

const NO_EVALUATION = { returnByValue: true, silent: true } as const;

/** An evaluation that was running when the connection was closed is done by then, or inside a native call, where it does no harm. */
const UNHEARD_MS = 50;

export type User =
  | 'end'
  | 'last-look'
  | 'stall'
  | 'deep-sample'
  | 'dump'
  | 'why'
  | 'allocations'
  | 'profile'
  | 'recent'
  | 'trace'
  | 'maps'
  | 'leave';
type Reply<Result = unknown> = (result: Result | null) => void;

/**
 * Interrupts an observed thread and asks it for its stack.
 *
 * An inspector session with no domain enabled, connected from this thread, interrupts JavaScript, regular
 * expressions, Atomics.wait and JSON.stringify within milliseconds, optimised code included. (With the Debugger
 * domain enabled the program would run 7–10 times slower.) A native call answers when it returns.
 * Worker threads are reached through the main thread's session, so that a native call there delays their answers too.
 *
 * Each `call` and `post` is answered once: null if it failed, the thread has ended, or the session was closed.
 */
export interface StackCapture {
  /** Connects if needed and asks; the answer comes later, on this thread's loop. An open request is shared. */
  ask(user: User, question: StackQuestion, answer: (stack: InterruptedStack) => void): void;
  /** Calls a function of the agent API in that thread; null if it has no answer, or failed. */
  call<Name extends ThreadCall>(user: User, name: Name, args: ArgsOf<Name>, answer?: Reply<AnswerOf<Name>>): void;
  /** Any other method of the inspector's protocol; null if it failed. */
  post<Name extends InspectorCall>(
    user: User,
    method: Name,
    params: CallParams<Name>,
    answer?: Reply<CallResult<Name>>,
  ): void;
  /** Disconnects for the moment: open questions are answered with null, and the next one connects again. */
  letGo(): void;
  /** Disconnects when no user is left. Called without a user: permanently. */
  detach(user?: User): void;
  /** The thread is no longer there to be asked. */
  hasEnded(): boolean;
}

export interface ThreadCaptureOptions {
  threadId: number;
  inspection: Inspection;
  /** When something may be evaluated in the thread; at any time if null. */
  interrupts: Pick<Interrupts, 'begin' | 'end' | 'mayTerminate'> | null;
  /** Called once: it is not tried again. */
  onError(error: unknown): void;
  /** An expression for the functions that it calls there (default: those of the agent). */
  api?: string;
}

export class ThreadCapture implements StackCapture {
  readonly #options: ThreadCaptureOptions;
  readonly #users = new Set<User>();
  readonly #open = new Set<Reply>();
  /** Reports to the gate the end of evaluations to which no answer has come. */
  readonly #evaluations = new Set<() => void>();
  #connection: Connection | null = null;
  #failed = false;
  #ended = false;
  /** The callers that wait for the requested stack. */
  #asked: ((stack: InterruptedStack) => void)[] | null = null;

  constructor(options: ThreadCaptureOptions) {
    this.#options = options;
  }

  ask(user: User, question: StackQuestion, answer: (stack: InterruptedStack) => void): void {
    this.#users.add(user);
    if (this.#asked) {
      if (!this.#asked.includes(answer)) this.#asked.push(answer);
      return;
    }
    const waiters = [answer];
    this.#asked = waiters;
    this.call(user, 'stack', [question], (stack) => {
      if (this.#asked === waiters) this.#asked = null;
      if (stack) for (const waiter of waiters) waiter(stack);
    });
  }

  call<Name extends ThreadCall>(
    user: User,
    name: Name,
    args: ArgsOf<Name>,
    reply: Reply<AnswerOf<Name>> = () => {},
  ): void {
    const expression = `${this.#options.api ?? AGENT_NAME}.${name}(${args.map((arg) => JSON.stringify(arg)).join()})`;
    this.post(user, 'Runtime.evaluate', { ...NO_EVALUATION, expression }, (result) => {
      const text = result?.result.value;
      // Written by the agent's half, by the same types (`Json`).
      reply(typeof text === 'string' ? JSON.parse(text) : null);
    });
  }

  post<Name extends InspectorCall>(
    user: User,
    method: Name,
    params: CallParams<Name>,
    reply: Reply<CallResult<Name>> = () => {},
  ): void {
    const answer: Reply = (result) => {
      // As V8's protocol says of the method.
      if (this.#open.delete(answer)) reply(result as CallResult<Name> | null);
    };
    this.#open.add(answer);
    if (this.#failed) {
      setImmediate(answer, null);
      return;
    }
    this.#users.add(user);
    const release = method === 'Runtime.evaluate' ? this.#beginEvaluation() : () => {};
    if (release) this.#send(method, params, release, answer);
    else setImmediate(answer, null);
  }

  detach(user?: User): void {
    if (user) {
      this.#users.delete(user);
      this.#disconnectIdle();
      return;
    }
    this.#users.clear();
    // Later requests must not connect again: Node waits for debuggers when it exits, and says so.
    this.#failed = true;
    this.#ended = true;
    this.#forget();
    this.#disconnectIdle();
  }

  letGo(): void {
    if (!areSessionsHeld()) this.#disconnect();
  }

  /** Asked by this user, who has not left since. */
  isUsed(user: User): boolean {
    return this.#users.has(user);
  }

  hasEnded(): boolean {
    return this.#ended || this.#connection?.hasEnded() === true;
  }

  #send(method: InspectorCall, params: object, release: () => void, answer: Reply): void {
    try {
      this.#connection ??= this.#connect();
      const connection = this.#connection;
      connection.post(method, params, (result, problem) => {
        release();
        // The thread was told to end, and what was evaluated has ended instead: it is told again. V8 has one code for all errors.
        if (problem?.includes('terminated') && this.#options.interrupts?.mayTerminate()) {
          connection.post('Runtime.terminateExecution', {}, () => {});
        }
        answer(result);
      });
    } catch (error) {
      this.#connection = null;
      this.#asked = null;
      this.#forget();
      // It would fail again, and be reported with every stall.
      this.#failed = true;
      this.#options.onError(error);
    }
  }

  #connect(): Connection {
    const { inspection, threadId } = this.#options;
    // Node would end the process on the attempt.
    if (inspection !== 'possible') throw new Error(WITHOUT_INSPECTOR[inspection]);
    return threadId === 0 ? connectToMain() : new WorkerConnection(threadId);
  }

  /** Null if nothing may be evaluated in the thread now. */
  #beginEvaluation(): (() => void) | null {
    const { interrupts } = this.#options;
    if (!interrupts) return () => {};
    if (!interrupts.begin()) return null;
    const release = (): void => {
      if (this.#evaluations.delete(release)) interrupts.end();
    };
    this.#evaluations.add(release);
    return release;
  }

  /** Waiting callers get null, but not in the middle of the call that caused it. */
  #forget(): void {
    for (const answer of this.#open) setImmediate(answer, null);
    // It may still be evaluated.
    for (const release of this.#evaluations) setTimeout(release, UNHEARD_MS);
  }

  readonly #disconnectIdle = (): void => {
    if (this.#users.size > 0) return;
    // Those with worker threads are parked instead.
    if (areSessionsHeld() && this.#options.threadId === 0) whenReleased(this.#disconnectIdle);
    else this.#disconnect();
  };

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#asked = null;
    connection?.close();
    this.#forget();
  }
}
