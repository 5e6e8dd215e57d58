import type { Session } from 'node:inspector';
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

const NO_EVALUATION = { returnByValue: true, silent: true } as const;

/** What was evaluated when the connection was closed is done by then, or inside a native call, where it harms nothing. */
const UNHEARD_MS = 50;

export type User = 'stall' | 'look' | 'dump' | 'allocations' | 'profile' | 'recent' | 'trace' | 'maps';
type Reply<Result = unknown> = (result: Result | null) => void;

/**
 * Interrupts an observed thread and asks it for its stack.
 *
 * An inspector session with no domain enabled, connected from this thread, interrupts JavaScript, regular
 * expressions, Atomics.wait and JSON.stringify within milliseconds, optimised code included. (With the Debugger
 * domain enabled the program would run 7–10 times slower for as long as it is.) A native call answers when it returns.
 * Worker threads are reached through the main thread's session, so that a native call there delays their answers too.
 *
 * Each question of `call` and `post` is answered once: null where it failed, the thread has ended, or the session was closed.
 */
export interface StackCapture {
  /** Connects if needed and asks; the answer comes later, on this thread's loop. An open question is shared. */
  ask(user: User, question: StackQuestion, answer: (stack: InterruptedStack) => void): void;
  /** Calls one of the functions of the agent's half in that thread; null where it has no answer, or failed. */
  call<Name extends ThreadCall>(user: User, name: Name, args: ArgsOf<Name>, answer?: Reply<AnswerOf<Name>>): void;
  /** Any other method of the inspector's protocol; null where it failed. */
  post(user: User, method: string, params: object, answer?: Reply): void;
  /** Disconnects when no user is left. Without a user: for good. */
  detach(user?: User): void;
  /** The thread is no longer there to be asked. */
  hasEnded(): boolean;
}

const held = { count: 0, waiting: new Set<() => void>(), parked: [] as Session[] };

/**
 * From now on until what it returns is called, no session of this thread's is disconnected. V8 gives all objects of the heap new
 * ids when one is, and heap snapshots from before and after could not be compared.
 */
export function holdSessions(): () => void {
  let isHeld = true;
  held.count++;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--held.count > 0) return;
    for (const disconnect of held.waiting) disconnect();
    held.waiting.clear();
    for (const session of held.parked.splice(0)) session.disconnect();
  };
}

/** Whether somebody compares heap snapshots: "HeapProfiler.disable" gives objects new ids as well. */
export function areSessionsHeld(): boolean {
  return held.count > 0;
}

type Answer = (result: unknown, problem: string | null) => void;

interface Connection {
  post(method: string, params: object, answer: Answer): void;
  close(): void;
  hasEnded(): boolean;
}

export function createStackCapture(
  threadId: number,
  inspection: Inspection,
  /** When something may be evaluated in the thread; any time where null. */
  interrupts: Pick<Interrupts, 'begin' | 'end' | 'mayTerminate'> | null,
  onError: (error: unknown) => void,
): StackCapture {
  const users = new Set<User>();
  let connection: Connection | null = null;
  let failed = false;
  let ended = false;
  let asked: { answer: (stack: InterruptedStack) => void }[] | null = null;
  const open = new Set<Reply>();
  /** Tells the gate of the end of what is evaluated, to which no answer has come. */
  const evaluations = new Set<() => void>();

  const post = (user: User, method: string, params: object, reply: Reply = () => {}): void => {
    const answer: Reply = (result) => {
      if (open.delete(answer)) reply(result);
    };
    open.add(answer);
    if (failed) {
      setImmediate(answer, null);
      return;
    }
    users.add(user);
    const release = method === 'Runtime.evaluate' ? begin() : () => {};
    if (!release) {
      setImmediate(answer, null);
      return;
    }
    try {
      // Node would end the process on the attempt.
      if (inspection !== 'possible') throw new Error(WITHOUT_INSPECTOR[inspection]);
      connection ??= threadId === 0 ? connectToMain() : connectToWorker(threadId);
      const current = connection;
      current.post(method, params, (result, problem) => {
        release();
        // The thread was told to end, and what was evaluated has ended instead: it is told again. V8 has one code for all errors.
        if (problem?.includes('terminated') && interrupts?.mayTerminate()) {
          current.post('Runtime.terminateExecution', {}, () => {});
        }
        answer(result);
      });
    } catch (error) {
      connection = null;
      asked = null;
      forget();
      // It would be the same next time, and told again with every stall.
      failed = true;
      onError(error);
    }
  };
  /** Whoever waits hears that nothing comes, but not in the middle of what made it so. */
  const forget = (): void => {
    for (const answer of open) setImmediate(answer, null);
    // It may still be evaluated.
    for (const release of evaluations) setTimeout(release, UNHEARD_MS);
  };
  /** Null where nothing may be evaluated in the thread now. */
  const begin = (): (() => void) | null => {
    if (!interrupts) return () => {};
    if (!interrupts.begin()) return null;
    const release = (): void => {
      if (evaluations.delete(release)) interrupts.end();
    };
    evaluations.add(release);
    return release;
  };
  const call: StackCapture['call'] = (user, name, args, reply = () => {}) => {
    const expression = `${AGENT_NAME}.${name}(${args.map((arg) => JSON.stringify(arg)).join()})`;
    post(user, 'Runtime.evaluate', { ...NO_EVALUATION, expression }, (result) => {
      const text = (result as { result?: { value?: unknown } } | null)?.result?.value;
      // Written by the agent's half, by the same types (`Json`).
      reply(typeof text === 'string' ? JSON.parse(text) : null);
    });
  };
  const disconnect = (): void => {
    const current = connection;
    connection = null;
    asked = null;
    current?.close();
    forget();
  };

  const disconnectIdle = (): void => {
    if (users.size > 0) return;
    // Those with worker threads are parked instead.
    if (held.count > 0 && threadId === 0) held.waiting.add(disconnectIdle);
    else disconnect();
  };

  return {
    ask(user, question, answer) {
      users.add(user);
      if (asked) {
        if (!asked.some((waiter) => waiter.answer === answer)) asked.push({ answer });
        return;
      }
      const waiters = [{ answer }];
      asked = waiters;
      call(user, 'stack', [question], (stack) => {
        if (asked === waiters) asked = null;
        if (stack) for (const waiter of waiters) waiter.answer(stack);
      });
    },
    call,
    post,
    detach(user) {
      if (user) {
        users.delete(user);
        disconnectIdle();
        return;
      }
      users.clear();
      // Whoever has still to ask must not connect again: Node waits for debuggers when it exits, and says so.
      failed = true;
      ended = true;
      forget();
      disconnectIdle();
    },
    hasEnded: () => ended || connection?.hasEnded() === true,
  };
}

/** Where the main thread has no inspector, this would end the process: it is asked before (`Inspection`). */
function sessionWithMain(): Session {
  const inspector = require('node:inspector') as typeof import('node:inspector');
  const session = new inspector.Session();
  session.connectToMainThread();
  return session;
}

function connectToMain(): Connection {
  const session = sessionWithMain();
  return {
    post(method, params, answer) {
      session.post(method, params, (error, result) => answer(error ? null : result, error ? error.message : null));
    },
    close: () => session.disconnect(),
    hasEnded: () => false,
  };
}

/** By Node's own NodeWorker domain, which tells of all workers, also of those that a worker started. */
function connectToWorker(threadId: number): Connection {
  const session = held.parked.pop() ?? sessionWithMain();
  const waiting: (() => void)[] = [];
  const answers = new Map<number, Answer>();
  let target: string | null = null;
  let ended = false;
  let nextId = 1;
  // Without a public type in Node's declarations: events and methods of this domain go by name.
  const node = session as unknown as {
    on(event: string, listener: (message: { params: Record<string, unknown> }) => void): void;
    removeAllListeners(): void;
    post(method: string, params: object, done?: () => void): void;
  };
  const end = (): void => {
    ended = true;
    waiting.length = 0;
    for (const answer of answers.values()) answer(null, null);
    answers.clear();
  };
  const title = new RegExp(`^\\[worker ${threadId}\\]`);
  node.on('NodeWorker.attachedToWorker', ({ params }) => {
    if (!title.test(String((params.workerInfo as { title?: unknown }).title))) return;
    target = String(params.sessionId);
    for (const send of waiting.splice(0)) send();
  });
  node.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== target) return;
    const { id, result, error } = JSON.parse(String(params.message)) as {
      id: number;
      result: unknown;
      error?: { message?: unknown };
    };
    const answer = answers.get(id);
    answers.delete(id);
    answer?.(error ? null : result, error ? String(error.message) : null);
  });
  // Messages to a thread that has ended are taken, and never answered.
  node.on('NodeWorker.detachedFromWorker', ({ params }) => {
    if (params.sessionId === target) end();
  });
  // Those that are there are told of before this is answered.
  node.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => {
    if (target === null) end();
  });
  return {
    post(method, params, answer) {
      if (ended) {
        setImmediate(answer, null, null);
        return;
      }
      const id = nextId++;
      answers.set(id, answer);
      const message = JSON.stringify({ id, method, params });
      const send = (): void => node.post('NodeWorker.sendMessageToWorker', { sessionId: target, message });
      if (target === null) waiting.push(send);
      else send();
    },
    close() {
      if (held.count === 0) session.disconnect();
      else {
        node.removeAllListeners();
        node.post('NodeWorker.disable', {});
        held.parked.push(session);
      }
    },
    hasEnded: () => ended,
  };
}
