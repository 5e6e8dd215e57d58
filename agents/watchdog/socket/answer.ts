/** A request of a client of the live socket, and what is sent back. */
import type { Socket } from 'node:net';
import { type AnyMethod, type Client, RequestError } from './methods/types.ts';

/** The most that waits for a client that does not read: then it is disconnected. */
const MAX_QUEUED_BYTES = 16e6;
/** How long to wait for a client that does not read. */
const PATIENCE_MS = 30_000;
const CLOSED = 'The client has gone.';

/** `leaving`: what to do when the client disconnects. */
export async function answer(
  socket: Socket,
  line: string,
  methods: Readonly<Record<string, AnyMethod>>,
  leaving: (() => void)[],
): Promise<void> {
  const request = parse(line);
  const id = request?.id ?? null;
  try {
    if (!request) throw new Error('A request is a line of JSON: {"id", "method", "params"}.');
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
    if (!method) throw new Error(`There is no method ${JSON.stringify(request.method.slice(0, 80))}.`);
    const result = await method(request.params, clientOf(socket, id, leaving));
    send(socket, { id, result: result ?? null });
  } catch (error) {
    const message = String((error as Error)?.message ?? error).split('\n')[0];
    send(socket, { id, error: error instanceof RequestError ? { message, code: error.failure } : { message } });
  }
}

function clientOf(socket: Socket, id: unknown, leaving: (() => void)[]): Client<unknown> {
  return {
    isGone: () => socket.destroyed,
    onGone(leave) {
      if (socket.destroyed) leave();
      else leaving.push(leave);
    },
    async part(value) {
      if (!send(socket, { id, part: value })) await drained(socket);
      if (socket.destroyed) throw new Error(CLOSED);
    },
  };
}

/** False if the client must be waited for. */
function send(socket: Socket, message: unknown): boolean {
  if (socket.destroyed) return true;
  const goesOn = socket.write(`${JSON.stringify(message)}\n`);
  if (socket.writableLength > MAX_QUEUED_BYTES) socket.destroy();
  return goesOn;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    const done = (): void => {
      clearTimeout(timer);
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function parse(line: string): { id: string | number; method: string; params: Record<string, unknown> } | null {
  try {
    const { id, method, params = {} } = JSON.parse(line) as Record<string, unknown>;
    if ((typeof id !== 'string' && typeof id !== 'number') || typeof method !== 'string') return null;
    if (typeof params !== 'object' || params === null) return null;
    return { id, method, params: params as Record<string, unknown> };
  } catch {
    return null;
  }
}
