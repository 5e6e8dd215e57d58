/**
 * Connections of undici (fetch, Pool, Agent) that all are taken: what those requests do that have them. Known is what undici publishes: a request
 * of a pool only once it gets a connection, so that how many wait is seen by the calls that wait for them. A request, and a connection, is
 * kept weakly: undici cancels an answer once the program has forgotten it.
 */
import { monotonicMs, NativeMap, NativeSet, NativeWeakMap, NativeWeakRef } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawPool } from '../../tracked.ts';

/** Addresses, requests of one, and connections that are reported. */
const MAX_ORIGINS = 50;
const MAX_REQUESTS = 2000;
const MAX_CONNECTIONS = 100;
const NAME_LIMIT = 100;
/** No request has got a connection for so long: a client without a limit opens another one at once. */
const QUIET_MS = 2500;

interface Connection {
  bytesRead?: unknown;
  destroyed?: unknown;
}

interface Request {
  ref: WeakRef<object>;
  origin: Origin;
  frames: RawFrame[];
  /** Since it was sent; null while it waits for a connection. */
  sent: { ms: number; connection: WeakRef<Connection> } | null;
  isAnswered: boolean;
  /** What had come at the last reading. */
  bytes: unknown;
}

interface Origin {
  requests: Set<Request>;
  /** Connections that are being opened. */
  opening: number;
  /** When the last one got a connection, or ended. */
  movedMs: number;
  /** Some are not listed. */
  isFull: boolean;
}

export class UndiciPools {
  readonly #origins = new NativeMap<string, Origin>();
  readonly #known = new NativeWeakMap<object, Request>();
  readonly #connections = new NativeWeakMap<object, WeakRef<Connection>>();

  begun(request: object, name: string, frames: RawFrame[] | null): void {
    const origin = this.#originOf(name);
    if (!origin) return;
    if (origin.requests.size >= MAX_REQUESTS) {
      origin.isFull = true;
      return;
    }
    const ref = new NativeWeakRef(request);
    const one: Request = { ref, origin, frames: frames ?? [], sent: null, isAnswered: false, bytes: undefined };
    origin.requests.add(one);
    this.#known.set(request, one);
  }

  opening(name: string): void {
    const origin = this.#originOf(name);
    if (origin) origin.opening++;
  }

  /** Or it could not be opened. */
  opened(name: string): void {
    const origin = this.#origins.get(name);
    if (origin && origin.opening > 0) origin.opening--;
  }

  sent(request: object, connection: object): void {
    const one = this.#known.get(request);
    if (!one) return;
    const ref = this.#connections.get(connection) ?? new NativeWeakRef(connection);
    this.#connections.set(connection, ref);
    const now = monotonicMs();
    one.sent = { ms: now, connection: ref };
    one.origin.movedMs = now;
  }

  answered(request: object): void {
    const one = this.#known.get(request);
    if (one) one.isAnswered = true;
  }

  ended(request: object): void {
    const one = this.#known.get(request);
    if (!one?.origin.requests.delete(one)) return;
    one.origin.movedMs = monotonicMs();
    if (one.origin.requests.size === 0) one.origin.isFull = false;
  }

  /** What ends from now on is not seen. */
  pause(): void {
    this.#origins.clear();
  }

  read(): RawPool[] {
    const pools: RawPool[] = [];
    for (const [name, origin] of this.#origins) {
      const pool = poolOf(name, origin);
      if (pool) pools.push(pool);
    }
    return pools;
  }

  #originOf(name: string): Origin | undefined {
    let origin = this.#origins.get(name);
    if (!origin && this.#origins.size < MAX_ORIGINS) {
      origin = { requests: new NativeSet(), opening: 0, movedMs: 0, isFull: false };
      this.#origins.set(name, origin);
    }
    return origin;
  }
}

/** Where connections are being opened, requests wait for these, and how many there may be is not known yet. */
function poolOf(name: string, origin: Origin): RawPool | null {
  const now = monotonicMs();
  const taken = new NativeSet<Connection>();
  const held: RawPool['held'] = [];
  let waiting = 0;
  for (const one of origin.requests) {
    const connection = one.sent?.connection.deref();
    if (one.ref.deref() === undefined || (one.sent && (!connection || connection.destroyed === true))) {
      origin.requests.delete(one);
    } else if (!one.sent || !connection) waiting++;
    else {
      const isStill = one.bytes === connection.bytesRead;
      one.bytes = connection.bytesRead;
      const state = one.isAnswered ? (isStill ? 'unread' : 'read') : 'unanswered';
      // Of several in one pipeline, only the first is served.
      if (!taken.has(connection) && held.length < MAX_CONNECTIONS) {
        held.push({ ms: now - one.sent.ms, state, frames: one.frames });
      }
      taken.add(connection);
    }
  }
  if (taken.size === 0 || origin.opening > 0 || origin.isFull) return null;
  if (waiting === 0 && now - origin.movedMs < QUIET_MS) return null;
  const counts = { max: taken.size, taken: taken.size, waiting };
  return { name: addressIn(name), ...counts, held, waited: { count: 0, ms: 0 }, queued: [] };
}

/** "host:port" of "http://host:port". */
function addressIn(origin: string): string {
  const at = origin.indexOf('//');
  return origin.slice(at < 0 ? 0 : at + 2).slice(0, NAME_LIMIT);
}
