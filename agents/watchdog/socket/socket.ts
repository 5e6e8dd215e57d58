import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { makeRunFolder, newSocketPath, socketPath } from '../../../src/util/run-folder.ts';
import { isListening, removeStale } from '../../../src/util/stale-files.ts';
import { Clients } from './clients.ts';
import type { AnyMethod } from './methods/types.ts';

/** Old files are searched once, when the process has lived this long. */
const CLEAN_AFTER_MS = 2000;

export interface LiveSocketOptions {
  /** It listens in the first of these that works. */
  folders: readonly string[];
  pid: number;
  /** Asked for with the first client. */
  methods(): Readonly<Record<string, AnyMethod>>;
  /** Why it listens nowhere. */
  onError(message: string): void;
}

/**
 * Listens for `evdiag` of the same user: newline-delimited JSON, requests `{id, method, params}`, answers `{id, result}`
 * or `{id, error}`, before them any number of `{id, part}`. At rest it costs a file descriptor.
 */
export class LiveSocket {
  readonly #options: LiveSocketOptions;
  readonly #clients: Clients;
  // Loaded here, some ms after the start: a short program does not pay for it.
  readonly #net = require('node:net') as typeof import('node:net');
  /** Why the previous folders could not be used. */
  readonly #reasons: string[] = [];
  #server: Server | null = null;
  #path: string | null = null;
  #ownInode: number | null = null;
  #closed = false;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
    this.#clients = new Clients(options.methods);
    this.#listen(options.folders);
  }

  wasVisited(): boolean {
    return this.#clients.hasServed();
  }

  /** How many are connected. */
  visitors(): number {
    return this.#clients.count();
  }

  /** Stops listening, disconnects all clients, and removes the socket. */
  close(): void {
    this.#closed = true;
    this.#clients.leaveAll();
    this.#server?.close();
    const path = this.#path;
    if (path && (this.#ownInode === null || inodeOf(path) === this.#ownInode)) removeFile(path);
  }

  #listen([folder, ...others]: readonly string[]): void {
    if (this.#closed) return;
    if (folder === undefined) {
      const why = this.#reasons.join('; ') || 'no usable folder';
      this.#options.onError(`no live socket, "evdiag dump" cannot reach this process: ${why}`);
      return;
    }
    const failed = (error: unknown): void => {
      this.#reasons.push(String((error as Error)?.message ?? error).split('\n')[0]!);
      this.#listen(others);
    };
    try {
      this.#listenIn(folder, failed);
    } catch (error) {
      failed(error);
    }
  }

  #listenIn(folder: string, failed: (error: unknown) => void): void {
    makeRunFolder(folder);
    const fresh = newSocketPath(folder, this.#options.pid);
    removeFile(fresh);
    const listening = this.#net.createServer((socket) => this.#clients.serve(socket));
    listening.once('error', failed);
    listening.listen(fresh, () => {
      this.#server = listening;
      listening.off('error', failed).on('error', () => {});
      void this.#publish(folder, fresh, failed);
    });
  }

  /** If a process with the same number listens, as in a container that shares the folder, its socket stays. */
  async #publish(folder: string, fresh: string, failed: (error: unknown) => void): Promise<void> {
    const { pid, folders, onError } = this.#options;
    const { connect } = this.#net;
    const file = socketPath(folder, pid);
    try {
      if (process.platform !== 'win32' && (await isListening(file, connect))) {
        this.#server?.close();
        failed(`another process ${pid} listens in ${folder}`);
        return;
      }
      this.#path = file;
      this.#ownInode = publish(fresh, file);
    } catch (error) {
      onError(`no live socket: ${String(error)}`);
      this.#closed = true;
    }
    if (this.#closed) this.close();
    else setTimeout(() => void removeStale(folders, connect).catch(() => {}), CLEAN_AFTER_MS).unref();
  }
}

/** Gives the listening socket its name, replacing one that an earlier process with this number has left. */
function publish(fresh: string, file: string): number | null {
  if (process.platform === 'win32') return null;
  // The folder is private already: this is in case it is opened later.
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
    // An earlier process with this number has left nothing.
  }
}
