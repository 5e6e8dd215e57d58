/** Inspector sessions with an observed thread, to post methods of the protocol to it. */
import type { Session } from 'node:inspector';
import { areSessionsHeld, parkedSession, parkSession } from './held-sessions.ts';

type Answer = (result: unknown, problem: string | null) => void;

export interface Connection {
  /** Null, and the error, if it failed; null alone if the thread has ended. */
  post(method: string, params: object, answer: Answer): void;
  close(): void;
  hasEnded(): boolean;
}

/** If the main thread has no inspector, this would end the process: it is checked before (`Inspection`). */
function sessionWithMain(): Session {
  const inspector = require('node:inspector') as typeof import('node:inspector');
  const session = new inspector.Session();
  session.connectToMainThread();
  return session;
}

export function connectToMain(): Connection {
  const session = sessionWithMain();
  return {
    post(method, params, answer) {
      session.post(method, params, (error, result) => answer(error ? null : result, error ? error.message : null));
    },
    close: () => session.disconnect(),
    hasEnded: () => false,
  };
}

/** Without a public type in Node's declarations: events and methods of the domain NodeWorker go by name. */
interface WorkerDomain {
  on(event: string, listener: (message: { params: Record<string, unknown> }) => void): void;
  removeAllListeners(): void;
  post(method: string, params: object, done?: () => void): void;
}

interface WorkerAnswer {
  id: number;
  result: unknown;
  error?: { message?: unknown };
}

/** By Node's own NodeWorker domain, which reports all workers, also those that a worker started. */
export class WorkerConnection implements Connection {
  readonly #session = parkedSession() ?? sessionWithMain();
  readonly #node = this.#session as unknown as WorkerDomain;
  readonly #waiting: (() => void)[] = [];
  readonly #answers = new Map<number, Answer>();
  /** The session of the thread, within this one; null before it is known. */
  #target: string | null = null;
  #ended = false;
  #nextId = 1;

  constructor(threadId: number) {
    const node = this.#node;
    const title = new RegExp(`^\\[worker ${threadId}\\]`);
    node.on('NodeWorker.attachedToWorker', ({ params }) => {
      if (title.test(String((params.workerInfo as { title?: unknown }).title)))
        this.#onTarget(String(params.sessionId));
    });
    node.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (params.sessionId === this.#target) this.#onAnswer(JSON.parse(String(params.message)) as WorkerAnswer);
    });
    // Messages to an ended thread are accepted, and never answered.
    node.on('NodeWorker.detachedFromWorker', ({ params }) => {
      if (params.sessionId === this.#target) this.#end();
    });
    // The existing ones are reported before this is answered.
    node.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => {
      if (this.#target === null) this.#end();
    });
  }

  post(method: string, params: object, answer: Answer): void {
    if (this.#ended) {
      setImmediate(answer, null, null);
      return;
    }
    const id = this.#nextId++;
    this.#answers.set(id, answer);
    const message = JSON.stringify({ id, method, params });
    const send = (): void => this.#node.post('NodeWorker.sendMessageToWorker', { sessionId: this.#target, message });
    if (this.#target === null) this.#waiting.push(send);
    else send();
  }

  close(): void {
    if (!areSessionsHeld()) {
      this.#session.disconnect();
      return;
    }
    this.#node.removeAllListeners();
    this.#node.post('NodeWorker.disable', {});
    parkSession(this.#session);
  }

  hasEnded(): boolean {
    return this.#ended;
  }

  #onTarget(target: string): void {
    this.#target = target;
    for (const send of this.#waiting.splice(0)) send();
  }

  #onAnswer({ id, result, error }: WorkerAnswer): void {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    answer?.(error ? null : result, error ? String(error.message) : null);
  }

  #end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
    for (const answer of this.#answers.values()) answer(null, null);
    this.#answers.clear();
  }
}
