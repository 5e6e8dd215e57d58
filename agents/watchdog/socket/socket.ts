import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { makeRunFolder, newSocketPath, socketPath } from '../../../src/util/run-folder.ts';
import { isListening, removeStale } from '../../../src/util/stale-files.ts';
import { type AnyMethod, type Client, RequestError } from './methods/types.ts';

/** A request is short. */
const MAX_LINE_BYTES = 64 * 1024;
/** What waits for a client that does not read: then it is left. */
const MAX_QUEUED_BYTES = 16e6;
const MAX_CLIENTS = 16;
/** For so long is waited for a client that does not read. */
const PATIENCE_MS = 30_000;
/** A client that asks nothing is left after this time, one that has asked something after the second: it may be waiting for a person. */
const IDLE_MS = { unasked: 10_000, between: 3_600_000 };
/** Old files are looked for once, when the process has lived for so long. */
const CLEAN_AFTER_MS = 2000;
const CLOSED = 'The client has gone.';

export interface LiveSocket {
  /** Stops listening, leaves all clients, and removes the socket. */
  close(): void;
}

/**
 * Listens for `evdiag` of the same user: newline-delimited JSON, requests `{id, method, params}`, answers `{id, result}`
 * or `{id, error}`, before them any number of `{id, part}`. At rest it costs a file descriptor.
 *
 * Listens in the first of the folders where that works; the reasons of the others go to `onError`.
 */
export function openSocket(
  folders: readonly string[],
  pid: number,
  methods: Readonly<Record<string, AnyMethod>>,
  onError: (message: string) => void,
): LiveSocket {
  // Loaded here, some ms after the start: a short program never pays for it.
  const { connect, createServer } = require('node:net') as typeof import('node:net');
  const clients: Clients = new Map();
  const reasons: string[] = [];
  let server: Server | null = null;
  let path: string | null = null;
  let ownInode: number | null = null;
  let closed = false;

  const listen = ([folder, ...others]: readonly string[]): void => {
    if (closed) return;
    if (folder === undefined) {
      onError(`no live socket, "evdiag dump" cannot reach this process: ${reasons.join('; ') || 'no usable folder'}`);
      return;
    }
    const failed = (error: unknown): void => {
      reasons.push(String((error as Error)?.message ?? error).split('\n')[0]!);
      listen(others);
    };
    try {
      makeRunFolder(folder);
      const file = socketPath(folder, pid);
      const fresh = newSocketPath(folder, pid);
      removeFile(fresh);
      const listening = createServer((socket) => serve(socket, clients, methods));
      listening.once('error', failed);
      listening.listen(fresh, () => {
        server = listening;
        listening.off('error', failed).on('error', () => {});
        void publishAs(file, fresh, folder, failed);
      });
    } catch (error) {
      failed(error);
    }
  };
  /** Where a process of the same number listens, as in a container that shares the folder, its socket stays. */
  const publishAs = async (
    file: string,
    fresh: string,
    folder: string,
    failed: (why: unknown) => void,
  ): Promise<void> => {
    try {
      if (process.platform !== 'win32' && (await isListening(file, connect))) {
        server?.close();
        failed(`another process ${pid} listens in ${folder}`);
        return;
      }
      path = file;
      ownInode = publish(fresh, file);
    } catch (error) {
      onError(`no live socket: ${String(error)}`);
      closed = true;
    }
    if (closed) close();
    else setTimeout(() => void removeStale(folders, connect).catch(() => {}), CLEAN_AFTER_MS).unref();
  };
  const close = (): void => {
    closed = true;
    for (const [socket, { leaving }] of clients) {
      socket.destroy();
      // The thread ends before it could hear of it.
      for (const leave of leaving.splice(0)) leave();
    }
    server?.close();
    if (path && (ownInode === null || inodeOf(path) === ownInode)) removeFile(path);
  };
  listen(folders);
  return { close };
}

/** Gives the listening socket its name, in the place of one that an earlier process of this number has left. */
function publish(fresh: string, file: string): number | null {
  if (process.platform === 'win32') return null;
  // The folder is private already: this is for those who open it later.
  chmodSync(fresh, 0o600);
  renameSync(fresh, file);
  return inodeOf(file);
}

function inodeOf(path: string): number | null {
  try {
    return lstatSync(path).ino;
  } catch {
    return null;
  }
}

function removeFile(file: string): void {
  if (process.platform === 'win32') return;
  try {
    unlinkSync(file);
  } catch {
    // Nothing left by an earlier process of this number.
  }
}

interface ClientState {
  leaving: (() => void)[];
  /** Requests that are being answered. */
  open: number;
  asked: boolean;
  lastAt: number;
}

/** In the order of their arrival. */
type Clients = Map<Socket, ClientState>;

function serve(socket: Socket, clients: Clients, methods: Readonly<Record<string, AnyMethod>>): void {
  if (clients.size >= MAX_CLIENTS) makeRoom(clients);
  if (clients.size >= MAX_CLIENTS) {
    socket.destroy();
    return;
  }
  const client: ClientState = { leaving: [], open: 0, asked: false, lastAt: performance.now() };
  clients.set(socket, client);
  socket.on('error', () => {});
  socket.setTimeout(IDLE_MS.unasked, () => {
    if (client.open === 0) socket.destroy();
  });
  socket.once('close', () => {
    clients.delete(socket);
    for (const leave of client.leaving.splice(0)) leave();
  });
  const ask = async (line: string): Promise<void> => {
    client.open++;
    if (!client.asked) socket.setTimeout(IDLE_MS.between);
    client.asked = true;
    await answer(socket, line, methods, client.leaving);
    client.open--;
    client.lastAt = performance.now();
  };
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: unknown) => {
    const lines = (rest + String(text)).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_BYTES || lines.some((line) => line.length > MAX_LINE_BYTES)) {
      socket.destroy();
      return;
    }
    for (const line of lines) if (line.trim() !== '') void ask(line);
  });
}

/** Leaves the client that has been idle for longest; one that never asked anything before those that did. */
function makeRoom(clients: Clients): void {
  const idle = [...clients].filter(([, { open }]) => open === 0);
  idle.sort(([, a], [, b]) => Number(a.asked) - Number(b.asked) || a.lastAt - b.lastAt);
  const [socket] = idle[0] ?? [];
  if (!socket) return;
  socket.destroy();
  // The event comes on a later turn.
  const leaving = clients.get(socket)?.leaving.splice(0) ?? [];
  clients.delete(socket);
  for (const leave of leaving) leave();
}

async function answer(
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

/** False where the client is to be waited for. */
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
