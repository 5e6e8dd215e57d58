import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { MetricsAddress } from './address.ts';
import { CONTENT_TYPE } from './exposition.ts';

/** A request for metrics has some hundred bytes of headers. */
const MAX_HEADER_BYTES = 8192;
/** For all headers, and for a response to be read. */
const SLOW_MS = 5000;
/** Prometheus keeps its connection from one scrape to the next, a minute at most. */
const IDLE_MS = 70_000;
const MAX_CONNECTIONS = 16;

export interface MetricsServerOptions {
  address: MetricsAddress;
  text(): Promise<string>;
  onListening(port: number): void;
  /** It could not listen. */
  onFailure(error: NodeJS.ErrnoException): void;
}

/** Answers GET /metrics and nothing else, to few clients, which must be quick. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  /** In the order of their arrival, with the number of requests that are being answered. */
  readonly #sockets = new Map<Socket, number>();
  #server: Server | null = null;
  #closed = false;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#listen(options.address.firstPort);
  }

  close(): void {
    this.#closed = true;
    this.#server?.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #listen(port: number): void {
    const { address, onListening, onFailure } = this.#options;
    const failed = (error: NodeJS.ErrnoException): void => {
      if (this.#closed) return;
      if (error.code === 'EADDRINUSE' && port < address.lastPort) this.#listen(port + 1);
      else onFailure(error);
    };
    try {
      const server = this.#create();
      server.once('error', failed);
      server.listen(port, address.host, () => {
        this.#server = server;
        server.off('error', failed).on('error', () => {});
        if (this.#closed) server.close();
        else onListening((server.address() as AddressInfo).port);
      });
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
    }
  }

  #create(): Server {
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: SLOW_MS,
        requestTimeout: SLOW_MS,
        keepAliveTimeout: IDLE_MS,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void this.#answer(request, response),
    );
    server.on('connection', (socket) => this.#admit(socket));
    return server;
  }

  /** With too many connections, the one that has been here longest and waits for nothing goes. */
  #admit(socket: Socket): void {
    if (this.#sockets.size >= MAX_CONNECTIONS) {
      const idle = [...this.#sockets].find(([, open]) => open === 0)?.[0];
      (idle ?? socket).destroy();
      if (!idle) return;
      this.#sockets.delete(idle);
    }
    this.#sockets.set(socket, 0);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const count = (by: number): void => {
      const open = this.#sockets.get(socket);
      if (open !== undefined) this.#sockets.set(socket, open + by);
    };
    count(1);
    const tooSlow = setTimeout(() => socket.destroy(), SLOW_MS);
    response.once('close', () => {
      clearTimeout(tooSlow);
      count(-1);
    });
    try {
      const refusal = refusalOf(request);
      if (refusal) refuse(response, refusal);
      else send(response, 200, await this.#options.text(), { 'content-type': CONTENT_TYPE });
    } catch {
      if (response.headersSent) socket.destroy();
      else refuse(response, { status: 500, text: 'evdiag could not write its metrics' });
    }
  }
}

interface Refusal {
  status: number;
  text: string;
  headers?: Record<string, string>;
}

function refusalOf({ method, url = '', headers }: IncomingMessage): Refusal | null {
  if (url.split('?')[0] !== '/metrics') return { status: 404, text: 'evdiag has /metrics only' };
  if (method !== 'GET') return { status: 405, text: 'only GET', headers: { allow: 'GET' } };
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  return hasBody ? { status: 400, text: 'a request for metrics has no body' } : null;
}

/** What else the client sends is not read. */
function refuse(response: ServerResponse, { status, text, headers }: Refusal): void {
  send(response, status, `${text}\n`, { 'content-type': 'text/plain', connection: 'close', ...headers });
}

function send(response: ServerResponse, status: number, text: string, headers: Record<string, string>): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
