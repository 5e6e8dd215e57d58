import { builtIn } from '../../built-in.ts';
import { guarded, type Sensor } from '../../guard.ts';
import { apply, assign, globalObject, monotonicMs, NativeMap, NativeString, NativeWeakMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawOrigin, RawPool } from '../../tracked.ts';
import { hasOwn } from './handle-state.ts';
import {
  asksForClose,
  type Connecting,
  closes,
  headerOf,
  hostIn,
  isClose,
  type Known,
  type NodesAnswer,
  type NodesRequest,
  originOf,
  type Socket,
  type UndicisRequest,
} from './http-messages.ts';
import { Origins, type Outgoing } from './origins.ts';
import { ownersFrames } from './owners-frames.ts';
import { createSampling } from './sampling.ts';
import type { Started } from './sites.ts';
import { UndiciConnections } from './undici-connections.ts';
import { UndiciPools } from './undici-pools.ts';
import { Upstreams } from './upstreams.ts';
import { type Switch, switchMethod } from './wrap.ts';

type Channels = typeof import('node:diagnostics_channel');
type Listener = (message: unknown) => void;

/** Of each second, for the stacks of requests: at first, and at most. */
const BUDGET_MS = 4;
/** What following one request takes, beside its stack: measured, with a path that was not there before. */
const REQUEST_MS = 0.0034;
/** Calls of fetch that wait for their request, by origin. */
const MAX_CALLS = 100;

/**
 * Connections that requests of node:http and of undici open, by what both publish: where one that was idle could have been used, and why it
 * was not. Nothing listens while tracking is paused.
 */
export class HttpClients {
  readonly #origins = new Origins();
  readonly #upstreams = new Upstreams();
  readonly #sampling = createSampling(BUDGET_MS);
  readonly #known = new NativeWeakMap<object, Known>();
  readonly #connections = new UndiciConnections();
  /** Where fetch was called, by origin, until its request is made. */
  readonly #calls = new NativeMap<string, RawFrame[][]>();
  /** The last place from where a host was asked. */
  readonly #places = new NativeMap<string, RawFrame[]>();
  readonly #pools = new UndiciPools();
  readonly #sensor: Sensor;
  readonly #followed: (asyncId: number) => Started | undefined;
  readonly #onStart: (request: NodesRequest) => void;
  readonly #listeners: [channel: string, listener: Listener][];
  readonly #fetch: Switch;
  #isListening = false;
  #begun = 0;

  /** `followed`: what is known of a handle, by its async id; `onStart`: a request of node:http has a connection. */
  constructor(
    sensor: Sensor,
    followed: (asyncId: number) => Started | undefined,
    onStart: (request: NodesRequest) => void,
  ) {
    this.#sensor = sensor;
    this.#onStart = onStart;
    this.#followed = followed;
    const on = <M>(channel: string, listener: (message: M) => void): [string, Listener] => [
      channel,
      guarded(sensor, listener) as Listener,
    ];
    this.#listeners = [
      on('http.client.request.start', (message: { request: NodesRequest }) => this.#nodesStart(message.request)),
      on('http.client.response.finish', (message: { request: NodesRequest; response: NodesAnswer }) =>
        this.#nodesAnswer(message),
      ),
      on('undici:request:create', (message: { request: UndicisRequest }) => this.#undicisStart(message.request)),
      on('undici:client:beforeConnect', (message: Connecting) => this.#beforeConnect(message)),
      on('undici:client:connected', (message: Connecting) => this.#connected(message)),
      on('undici:client:connectError', (message: Connecting) => this.#pools.opened(addressOf(message))),
      on('undici:client:sendHeaders', (message: { request: object; headers?: unknown; socket?: object }) =>
        this.#undicisSent(message),
      ),
      on('undici:request:headers', (message: { request: object; response?: { headers?: unknown } }) =>
        this.#undicisAnswer(message),
      ),
      on('undici:request:trailers', (message: { request: object }) => this.#undicisEnd(message.request)),
      on('undici:request:error', (message: { request: object }) => this.#undicisEnd(message.request)),
    ];
    this.#fetch = switchMethod(globalObject, 'fetch', (_self, args) => this.#called(args[0]), undefined, sensor);
  }

  resume(): void {
    const channels = builtIn<Channels>('diagnostics_channel');
    if (this.#isListening || !channels) return;
    this.#isListening = true;
    this.#upstreams.resume();
    for (const [channel, listener] of this.#listeners) channels.subscribe(channel, listener);
    this.#fetch.on();
  }

  pause(): void {
    const channels = builtIn<Channels>('diagnostics_channel');
    if (!this.#isListening || !channels) return;
    this.#isListening = false;
    this.#fetch.off();
    for (const [channel, listener] of this.#listeners) channels.unsubscribe(channel, listener);
    this.#origins.pause();
    this.#pools.pause();
    this.#upstreams.pause();
    this.#connections.pause();
    this.#calls.clear();
  }

  adapt(intervalMs: number): void {
    this.#sampling.adapt(intervalMs);
  }

  setBudget(share: number): void {
    this.#sampling.setBudget(BUDGET_MS * share);
  }

  /** Time that stacks and requests took since the last call. */
  spent(): number {
    const requestsMs = this.#begun * REQUEST_MS;
    this.#begun = 0;
    return this.#sampling.spent() + requestsMs;
  }

  /** From where a host was asked last. */
  framesOf(host: string): RawFrame[] | null {
    return this.#places.get(host) ?? null;
  }

  read(): RawOrigin[] {
    const read = this.#origins.read();
    this.#origins.settle();
    return read;
  }

  /** Those of undici that requests wait for. */
  pools(): RawPool[] {
    return this.#pools.read();
  }

  /** How long others took to answer, since the last call. */
  readUpstreams(): ReturnType<Upstreams['read']> {
    return this.#upstreams.read();
  }

  /** Null where it is not chosen. */
  #stack(): RawFrame[] | null {
    if (!this.#sampling.next()) return null;
    let frames: RawFrame[] = [];
    this.#sampling.spend(() => {
      frames = ownersFrames();
    });
    return frames;
  }

  #nodesStart(request: NodesRequest): void {
    this.#onStart(request);
    // Most are sent when the program is no longer on the stack: the line that opened the connection is known.
    const opener = this.#openerOf(request.socket);
    const host = headerOf(request, 'host') ?? NativeString(request.host);
    const isDone = (): boolean =>
      request.destroyed === true || request.res?.complete === true || request.res?.destroyed === true;
    const frames = opener?.site.frames ?? null;
    const one = this.#begin(`${request.protocol}//${host}`, frames, isDone);
    const upstream = this.#upstreams.of(one.origin, request.method, request.path, frames);
    const isClosing = isClose(headerOf(request, 'connection') ?? '');
    const asksToClose = isClosing || request.shouldKeepAlive === false;
    const { agent } = request;
    const isNew = typeof agent === 'object' && agent !== null && this.#origins.isNewClient(one.origin, agent);
    const reason = isNew ? 'client' : isClosing && agent?.keepAlive === true ? 'close' : asksToClose ? 'off' : null;
    this.#known.set(request, {
      ...{ one, upstream, sentMs: one.startMs },
      ...{ opened: false, reason, asksToClose, done: false },
    });
    this.#timeConnecting(one, request.socket);
  }

  #begin(origin: string, frames: RawFrame[] | null, isDone: () => boolean): Outgoing {
    this.#begun++;
    if (this.#places.size >= MAX_CALLS) this.#places.clear();
    if (frames) this.#places.set(hostIn(origin), frames);
    return this.#origins.begin(origin, frames, isDone);
  }

  #openerOf(socket: Socket | null | undefined): Started | undefined {
    const handle = socket?._handle;
    if (typeof handle?.getAsyncId !== 'function') return undefined;
    const id = apply(handle.getAsyncId, handle, []);
    return typeof id === 'number' ? this.#followed(id) : undefined;
  }

  /** How long it takes until the connection is there, with the look-up of the name and the handshake. */
  #timeConnecting(one: Outgoing, socket: Socket | null | undefined): void {
    const isSecure = socket?.encrypted === true;
    if (!socket || typeof socket.once !== 'function') return;
    if (socket.connecting !== true && socket.secureConnecting !== true) return;
    const startMs = monotonicMs();
    const connected = guarded(this.#sensor, () => this.#origins.connected(one, monotonicMs() - startMs));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => connected());
  }

  #nodesAnswer({ request, response }: { request: NodesRequest; response: NodesAnswer }): void {
    const known = this.#known.get(request);
    if (!known || known.done) return;
    known.done = true;
    const { one, upstream, sentMs, reason, asksToClose } = known;
    this.#upstreams.answered(upstream, monotonicMs() - sentMs);
    // It was asked to keep the connection, and closes it.
    const isClosed = isClose(NativeString(response.headers?.connection ?? '')) || response.httpVersion === '1.0';
    this.#origins.answered(one, request.reusedSocket !== true, isClosed && !asksToClose ? null : reason);
  }

  /** fetch was called: its request is made later, where the program is no longer on the stack. */
  #called(input: unknown): void {
    const frames = this.#stack();
    const origin = frames && originOf(input);
    if (!frames || origin === null) return;
    const calls = this.#calls.get(origin) ?? [];
    if (calls.length >= MAX_CALLS || this.#calls.size >= MAX_CALLS) this.#calls.clear();
    calls.push(frames);
    this.#calls.set(origin, calls);
  }

  #undicisStart(request: UndicisRequest): void {
    const origin = NativeString(request.origin);
    const called = this.#calls.get(origin)?.shift();
    const stack = called ?? this.#stack();
    const frames = stack && hasOwn(stack) ? stack : null;
    const known = { opened: false, reason: null, asksToClose: false, done: false };
    const one = this.#begin(origin, frames, () => known.done);
    const upstream = this.#upstreams.of(one.origin, request.method, request.path, frames);
    this.#known.set(request, assign(known, { one, upstream, sentMs: one.startMs }));
    this.#pools.begun(request, origin, frames);
  }

  #beforeConnect(message: Connecting): void {
    const origin = addressOf(message);
    this.#pools.opening(origin);
    this.#connections.opening(origin);
  }

  #connected(message: Connecting): void {
    const { connector, socket } = message;
    const origin = addressOf(message);
    this.#pools.opened(origin);
    this.#connections.opened(
      origin,
      socket,
      () => connector !== undefined && this.#origins.isNewClient(origin, connector),
    );
  }

  #undicisSent({ request, headers, socket }: { request: object; headers?: unknown; socket?: object }): void {
    const known = this.#known.get(request);
    if (socket) this.#pools.sent(request, socket);
    if (known) known.sentMs = monotonicMs();
    const fresh = socket && this.#connections.take(socket);
    if (!fresh || !known) return;
    known.opened = true;
    this.#origins.connected(known.one, fresh.ms);
    known.asksToClose = asksForClose(headers);
    known.reason = fresh.isNew ? 'client' : known.asksToClose ? 'close' : null;
  }

  #undicisAnswer({ request, response }: { request: object; response?: { headers?: unknown } }): void {
    this.#pools.answered(request);
    const known = this.#known.get(request);
    if (!known) return;
    const { one, upstream, sentMs, opened, reason, asksToClose } = known;
    this.#upstreams.answered(upstream, monotonicMs() - sentMs);
    const isClosed = opened && !asksToClose && closes(response?.headers);
    this.#origins.answered(one, opened, isClosed ? null : reason);
  }

  #undicisEnd(request: object): void {
    const known = this.#known.get(request);
    if (known) known.done = true;
    this.#pools.ended(request);
  }
}

function addressOf({ connectParams }: Connecting): string {
  return `${connectParams?.protocol}//${connectParams?.host}`;
}
