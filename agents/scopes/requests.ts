import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { currentFrames } from '../agent/tracking/sites.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { workFrames } from './work-frames.ts';

const URL_LIMIT = 200;

/** An outgoing request, from its start to the end of the response. */
export interface FollowedRequest {
  startMs: number;
  frames: RawFrame[];
  /** "GET http://127.0.0.1:8080/path", without query and user; only the address for an upgrade. */
  words(): string;
  isOpen(): boolean;
  /** Its connection, once that is known. */
  socket(): SocketLike | null;
  isUpgrade: boolean;
}

export interface RequestHolder {
  requests: Set<FollowedRequest>;
  untracked: number;
}

interface SocketLike {
  destroyed?: boolean;
  _handle?: object | null;
}

/** As undici publishes it: that of global fetch, and the package. */
interface UndiciRequest {
  method?: string;
  origin?: unknown;
  path?: string;
  upgrade?: unknown;
}

/** A `ClientRequest` of node:http, or a `ClientHttp2Stream`. */
interface NodesRequest {
  destroyed: boolean;
  socket?: SocketLike | null;
  method?: string;
  protocol?: string;
  path?: string;
  getHeader?(name: string): unknown;
  sentHeaders?: Record<string, unknown>;
  session?: { socket?: SocketLike | null } | null;
}

const NODES_REQUESTS = new Set(['ClientRequest', 'ClientHttp2Stream']);

interface Message {
  request: UndiciRequest;
  socket?: SocketLike;
}

/**
 * Follows requests that a scope makes until their response has been read: those of fetch and undici by what undici
 * publishes, those of node:http and node:http2 as emitters. Their connection may be older, and be used again later.
 */
export class FollowedRequests {
  readonly #currentHolders: () => readonly RequestHolder[] | null;
  readonly #maxRequests: number;
  readonly #known = new WeakMap<object, { holders: readonly RequestHolder[]; one: FollowedRequest }>();
  readonly #sockets = new WeakMap<object, WeakRef<SocketLike>>();
  /** Handles of undici's connections, which are represented by the requests. */
  readonly #carriers = new WeakSet<object>();
  readonly #channels: [name: string, handler: (message: unknown) => void][];

  constructor(currentHolders: () => readonly RequestHolder[] | null, maxRequests: number) {
    this.#currentHolders = currentHolders;
    this.#maxRequests = maxRequests;
    const onEnd = harmless(({ request }) => this.#onEnd(request));
    this.#channels = [
      ['undici:request:create', harmless(this.#onCreate)],
      ['undici:client:sendHeaders', harmless((message) => this.#onSent(message))],
      ['undici:request:trailers', onEnd],
      ['undici:request:error', onEnd],
    ];
    for (const [name, handler] of this.#channels) subscribe(name, handler);
  }

  /** Called for each emitter that is made: a request of node:http is one. */
  onEmitter(self: object, holders: readonly RequestHolder[]): void {
    if (!NODES_REQUESTS.has(self.constructor?.name)) return;
    const request = new WeakRef(self as NodesRequest);
    this.#add(holders, self, {
      startMs: monotonicMs(),
      frames: currentFrames(),
      words: () => nodesWords(request.deref()),
      isOpen: () => request.deref()?.destroyed === false,
      socket: () => request.deref()?.socket ?? request.deref()?.session?.socket ?? null,
      isUpgrade: false,
    });
  }

  isCarrier(handle: object): boolean {
    return this.#carriers.has(handle);
  }

  stop(): void {
    for (const [name, handler] of this.#channels) unsubscribe(name, handler);
  }

  readonly #onCreate = ({ request }: Message): void => {
    const holders = this.#currentHolders();
    if (!holders) return;
    const { method = '', origin, path = '', upgrade } = request;
    const url = withoutSecrets(`${String(origin)}${path}`);
    const words = upgrade ? url : `${method} ${url}`;
    const socket = (): SocketLike | null => this.#sockets.get(request)?.deref() ?? null;
    this.#add(holders, request, {
      startMs: monotonicMs(),
      frames: workFrames(),
      words: () => words,
      isOpen: () => this.#known.has(request) && !socket()?.destroyed,
      socket,
      isUpgrade: Boolean(upgrade),
    });
  };

  #onSent({ request, socket }: Message): void {
    if (!socket || !this.#known.has(request)) return;
    this.#sockets.set(request, new WeakRef(socket));
    if (socket._handle) this.#carriers.add(socket._handle);
  }

  #onEnd(request: UndiciRequest): void {
    const entry = this.#known.get(request);
    if (!entry) return;
    this.#known.delete(request);
    for (const { requests } of entry.holders) requests.delete(entry.one);
  }

  #add(holders: readonly RequestHolder[], request: object, one: FollowedRequest): void {
    this.#known.set(request, { holders, one });
    for (const holder of holders) {
      if (holder.requests.size >= this.#maxRequests) prune(holder);
      if (holder.requests.size < this.#maxRequests) holder.requests.add(one);
      else holder.untracked++;
    }
  }
}

/** Node throws a subscriber's exception into the program. */
function harmless(handler: (message: Message) => void): (message: unknown) => void {
  return (message) => {
    try {
      handler(message as Message);
    } catch {
      // One that is not seen.
    }
  };
}

function prune({ requests }: RequestHolder): void {
  for (const one of requests) if (!one.isOpen()) requests.delete(one);
}

function nodesWords(request: NodesRequest | undefined): string {
  if (!request) return '';
  const { sentHeaders: sent } = request;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  if (sent)
    return `${text(sent[':method'])} ${withoutSecrets(`${text(sent[':scheme'])}://${text(sent[':authority'])}${text(sent[':path'])}`)}`;
  if (typeof request.getHeader !== 'function') return '';
  const host = text(request.getHeader('host'));
  return `${text(request.method)} ${withoutSecrets(`${text(request.protocol)}//${host}${text(request.path)}`)}`;
}

/** Without query, fragment and user. */
function withoutSecrets(url: string): string {
  const end = url.search(/[?#]/);
  return (end < 0 ? url : url.slice(0, end)).replace(/\/\/[^/@]*@/, '//').slice(0, URL_LIMIT);
}
