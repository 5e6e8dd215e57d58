import type { Socket } from 'node:net';
import { isPart, isResult } from '../protocol/answers.ts';
import type { FailureCode, MethodName, ParamsOf, PartOf, ResultOf } from '../protocol/methods.ts';
import { isObject } from '../util/shapes.ts';
import { TargetError } from './target-error.ts';

/** Requests that are answered without asking the threads take no time. */
const ANSWER_MS = 30_000;
/** Length of one message, in characters: the agent sends no longer one. */
const MAX_LINE = 64e6;
/** Of one answer: profiles of an hour have some hundred million. Viewers keep only the newest rows. */
const MAX_ANSWER = 1e9;
/** An answer in parts ends within this many times the time-out between two parts. */
const MAX_WAITS = 20;
const MAX_ERROR = 1000;

export interface RequestOptions<Part> {
  /** Gets the parts of a long answer. If it throws, the answer counts as not understood. */
  onPart?: (part: Part) => void;
  /** Between two messages (default: 30 s); Infinity if none is expected. */
  timeoutMs?: number;
  /** Check for the end of the answer, if it differs from the method's shape. */
  isResult?: (value: unknown) => boolean;
}

/** Sends requests to the agent at the other end, and accepts only answers of the known shapes. */
export interface Wire {
  /** Rejects with TargetError if the connection ends, the time is over, the method fails or the answer is not valid. */
  request<Name extends MethodName>(
    method: Name,
    params: ParamsOf<Name>,
    options?: RequestOptions<PartOf<Name>>,
  ): Promise<ResultOf<Name>>;
  close(): void;
}

interface Waiting {
  method: MethodName;
  /** Of the types that belong to its method, once they are checked. */
  resolve(result: never): void;
  reject(error: Error): void;
  onPart: ((part: never) => void) | undefined;
  isResult: (value: unknown) => boolean;
  timeoutMs: number;
  giveUpAt: number;
  timer: NodeJS.Timeout | undefined;
  length: number;
}

export function strangeAnswer(pid: number, method: MethodName): TargetError {
  const text = `Process ${pid} answers "${method}" with something that evdiag does not understand: another version of the agent may run there, or something else listens on its socket.`;
  return new TargetError(text, 'refused');
}

export function createWire(socket: Socket, pid: number): Wire {
  const wire = new OpenWire(socket, pid);
  return {
    request: (method, params, options) => wire.request(method, params, options),
    close: () => wire.close(),
  };
}

class OpenWire {
  readonly #socket: Socket;
  readonly #pid: number;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  constructor(socket: Socket, pid: number) {
    this.#socket = socket;
    this.#pid = pid;
    readLines(
      socket,
      (line) => this.#onLine(line),
      () => this.#leave(),
    );
    socket.on('error', () => {});
    socket.on('close', () => this.#failAll(this.#endText()));
  }

  request<Name extends MethodName>(
    method: Name,
    params: ParamsOf<Name>,
    { onPart, timeoutMs = ANSWER_MS, isResult: shape }: RequestOptions<PartOf<Name>> = {},
  ): Promise<ResultOf<Name>> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const giveUpAt = performance.now() + timeoutMs * MAX_WAITS;
      const hasShape = shape ?? ((value: unknown) => isResult(method, value));
      const entry = { method, resolve, reject, onPart, isResult: hasShape, timeoutMs, giveUpAt, length: 0 };
      this.#waiting.set(id, { ...entry, timer: undefined });
      this.#arm(id, this.#waiting.get(id)!);
      if (this.#socket.destroyed) this.#failAll(this.#endText());
      else this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onLine(line: string): void {
    const message: unknown = JSON.parse(line);
    if (!isObject(message) || !this.#onMessage(message, line.length)) throw new Error('no answer of ours');
  }

  /** False if it is not valid. */
  #onMessage(message: Record<string, unknown>, length: number): boolean {
    const id = Number(message.id);
    const entry = this.#waiting.get(id);
    // The answer to a request that has timed out.
    if (!entry) return Number.isSafeInteger(id) && id > 0 && id < this.#nextId;
    entry.length += length;
    if (entry.timeoutMs !== Number.POSITIVE_INFINITY && entry.length > MAX_ANSWER) return false;
    if ('part' in message) {
      if (!isPart(entry.method, message.part)) return false;
      this.#arm(id, entry);
      entry.onPart?.(message.part as never);
      return true;
    }
    const { message: text, code } = isObject(message.error) ? message.error : {};
    if (typeof text !== 'string' && ('error' in message || !entry.isResult(message.result))) return false;
    this.#finish(id, entry);
    if (typeof text === 'string') entry.reject(new TargetError(sentence(text), codeOf(code)));
    else entry.resolve(message.result as never);
    return true;
  }

  /** Its time-out starts again. */
  #arm(id: number, entry: Waiting): void {
    clearTimeout(entry.timer);
    if (entry.timeoutMs === Number.POSITIVE_INFINITY) return;
    const leftMs = Math.min(entry.timeoutMs, Math.max(0, entry.giveUpAt - performance.now()));
    entry.timer = setTimeout(() => {
      this.#finish(id, entry);
      const seconds = Math.round(entry.timeoutMs / 1000);
      entry.reject(new TargetError(`Process ${this.#pid} did not answer within ${seconds} s.`, 'no-answer'));
    }, leftMs);
  }

  #finish(id: number, entry: Waiting): void {
    clearTimeout(entry.timer);
    this.#waiting.delete(id);
  }

  /** Nothing more is read: what follows cannot be trusted either. */
  #leave(): void {
    this.#socket.destroy();
    this.#failAll(null);
  }

  #failAll(message: string | null): void {
    for (const [id, entry] of this.#waiting) {
      this.#finish(id, entry);
      const error = message === null ? strangeAnswer(this.#pid, entry.method) : new TargetError(message, 'ended');
      entry.reject(error);
    }
  }

  #endText(): string {
    return `Process ${this.#pid} ended, or closed the connection.`;
  }
}

/** In bounded memory; calls `onWrong` if a line is too long, or `onLine` throws. */
function readLines(socket: Socket, onLine: (line: string) => void, onWrong: () => void): void {
  let rest: string[] = [];
  let restLength = 0;
  socket.setEncoding('utf8');
  socket.on('data', (text: unknown) => {
    const lines = String(text).split('\n');
    try {
      for (const line of lines.slice(0, -1)) {
        const whole = rest.join('') + line;
        rest = [];
        restLength = 0;
        if (socket.destroyed) return;
        onLine(whole);
      }
      const last = lines.at(-1)!;
      rest.push(last);
      restLength += last.length;
      if (restLength > MAX_LINE) throw new Error('too long');
    } catch {
      rest = [];
      onWrong();
    }
  });
}

/** An unknown one, of a newer agent, is ignored. */
function codeOf(code: unknown): 'refused' | FailureCode {
  return code === 'too-slow' || code === 'leaving' ? code : 'refused';
}

/** The agent's message, on one line of a terminal. */
function sentence(text: string): string {
  const line = text.slice(0, MAX_ERROR).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
