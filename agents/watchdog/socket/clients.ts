import type { Socket } from 'node:net';
import { answer } from './answer.ts';
import type { AnyMethod } from './methods/types.ts';

/** A request is short. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_CLIENTS = 16;
/** A client that asks nothing is disconnected after the first time, one that has asked something after the second: it may be waiting for a person. */
const IDLE_MS = { unasked: 10_000, between: 3_600_000 };

interface ClientState {
  /** What to do when it disconnects. */
  leaving: (() => void)[];
  /** Requests that are being answered. */
  open: number;
  asked: boolean;
  lastAt: number;
}

type Methods = Readonly<Record<string, AnyMethod>>;

/** The clients of the live socket. */
export class Clients {
  readonly #createMethods: () => Methods;
  #methods: Methods | null = null;
  /** In the order of their arrival. */
  readonly #clients = new Map<Socket, ClientState>();
  #served = false;

  constructor(createMethods: () => Methods) {
    this.#createMethods = createMethods;
  }

  serve(socket: Socket): void {
    if (this.#clients.size >= MAX_CLIENTS) this.#makeRoom();
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    const client: ClientState = { leaving: [], open: 0, asked: false, lastAt: performance.now() };
    this.#clients.set(socket, client);
    this.#served = true;
    socket.on('error', () => {});
    socket.setTimeout(IDLE_MS.unasked, () => {
      if (client.open === 0) socket.destroy();
    });
    socket.once('close', () => {
      this.#clients.delete(socket);
      leave(client);
    });
    this.#read(socket, (line) => void this.#ask(socket, client, line));
  }

  /** Somebody has been here. */
  hasServed(): boolean {
    return this.#served;
  }

  count(): number {
    return this.#clients.size;
  }

  /** The thread ends before it could notice that they have disconnected. */
  leaveAll(): void {
    for (const [socket, client] of this.#clients) {
      socket.destroy();
      leave(client);
    }
  }

  #read(socket: Socket, onLine: (line: string) => void): void {
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: unknown) => {
      const lines = (rest + String(text)).split('\n');
      rest = lines.pop()!;
      if (rest.length > MAX_LINE_BYTES || lines.some((line) => line.length > MAX_LINE_BYTES)) {
        socket.destroy();
        return;
      }
      for (const line of lines) if (line.trim() !== '') onLine(line);
    });
  }

  async #ask(socket: Socket, client: ClientState, line: string): Promise<void> {
    client.open++;
    if (!client.asked) socket.setTimeout(IDLE_MS.between);
    client.asked = true;
    this.#methods ??= this.#createMethods();
    await answer(socket, line, this.#methods, client.leaving);
    client.open--;
    client.lastAt = performance.now();
  }

  /** Disconnects the client that has been idle longest; first one that never asked anything. */
  #makeRoom(): void {
    const idle = [...this.#clients].filter(([, { open }]) => open === 0);
    idle.sort(([, a], [, b]) => Number(a.asked) - Number(b.asked) || a.lastAt - b.lastAt);
    const [socket, client] = idle[0] ?? [];
    if (!socket || !client) return;
    socket.destroy();
    // The event comes on a later turn.
    this.#clients.delete(socket);
    leave(client);
  }
}

function leave({ leaving }: ClientState): void {
  for (const one of leaving.splice(0)) one();
}
