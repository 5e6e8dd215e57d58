import {
  apply,
  isArray,
  keys,
  min,
  monotonicMs,
  NativeMap,
  NativeNumber,
  NativeSet,
  NativeWeakMap,
} from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawPool } from '../../tracked.ts';
import { symbolOf } from './handle-state.ts';

/** Agents of Node's http looked at, and connections of each, at a time. */
const MAX_AGENTS = 20;
const MAX_CONNECTIONS = 100;
const NAME_LIMIT = 100;
/** Of those that wait, looked at for the line that made them. */
const MAX_QUEUED = 5;

/** As far as it is looked at; the application may have put anything in its place. */
interface Agent {
  maxSockets?: unknown;
  requests?: Record<string, unknown>;
  sockets?: Record<string, unknown>;
}
interface Connection {
  _httpMessage?: Request | null;
  bytesRead?: unknown;
}
interface Request {
  agent?: Agent | null;
  res?: { complete?: unknown; destroyed?: unknown; _readableState?: { flowing?: unknown } } | null;
}

/** A request since it was first seen to have a connection, and what had come by then. */
interface Seen {
  sinceMs: number;
  bytes: unknown;
}

/** Where a request was made: of the async id of what Node keeps for it while it waits, or of its connection. */
export type FramesOf = (asyncId: number) => RawFrame[] | null;

/**
 * Connections of http.Agent that all are taken, while requests wait for one: what those do that have them. Found by the connections that are
 * followed; agents and requests are kept weakly.
 */
export class HttpPools {
  readonly #seen = new NativeWeakMap<object, Seen>();
  /** That limit their connections, and of which a request was sent since the last call. */
  readonly #agents = new NativeSet<Agent>();
  /** Requests that were the last in the queue, since when. */
  readonly #queued = new NativeWeakMap<object, { name: string; sinceMs: number }>();
  /** By address, how long those took until they had a connection, since the last call. */
  readonly #waited = new NativeMap<string, { count: number; ms: number }>();

  /** A request has got its connection. */
  began(request: Request): void {
    const { agent } = request;
    if (!hasLimit(agent)) return;
    if (this.#agents.size < MAX_AGENTS) this.#agents.add(agent);
    const queued = this.#queued.get(request);
    if (!queued) return;
    this.#queued.delete(request);
    const waited = this.#waited.get(queued.name) ?? { count: 0, ms: 0 };
    waited.count++;
    waited.ms += monotonicMs() - queued.sinceMs;
    if (this.#waited.size < MAX_AGENTS) this.#waited.set(queued.name, waited);
  }

  read(handles: Iterable<object>, framesOf: FramesOf): RawPool[] {
    const agents = new NativeSet<Agent>(this.#agents);
    this.#agents.clear();
    for (const handle of handles) {
      const agent = requestOf(connectionOf(handle))?.agent;
      if (agent && agents.size < MAX_AGENTS) agents.add(agent);
    }
    const pools = [...agents].flatMap((agent) =>
      keys(agent.requests ?? {}).flatMap((name) => this.#poolOf(agent, name, framesOf) ?? []),
    );
    this.#waited.clear();
    return pools;
  }

  #poolOf({ maxSockets, requests, sockets }: Agent, name: string, framesOf: FramesOf): RawPool | null {
    const waiting = requests![name];
    const taken = sockets?.[name];
    if (!isArray(waiting) || !isArray(taken) || waiting.length === 0 || typeof maxSockets !== 'number') return null;
    const now = monotonicMs();
    const pool = {
      ...{ name: addressIn(name), max: maxSockets, taken: taken.length, waiting: waiting.length },
      waited: this.#queueOf(name, waiting as Request[], now),
      queued: madeAt(waiting as Request[], framesOf),
    };
    const held: RawPool['held'] = [];
    for (const connection of (taken as Connection[]).slice(0, MAX_CONNECTIONS)) {
      const request = requestOf(connection);
      if (!request) continue;
      const before = this.#seen.get(request);
      const seen = { sinceMs: before?.sinceMs ?? now, bytes: connection.bytesRead };
      this.#seen.set(request, seen);
      const still = before !== undefined && before.bytes === seen.bytes;
      held.push({
        ms: now - seen.sinceMs,
        state: stateOf(request, still),
        frames: framesOf(asyncIdOf(request, connection)) ?? [],
      });
    }
    return { ...pool, held };
  }

  /** The last one in the queue is followed until it has a connection: it waits as long as others do. */
  #queueOf(name: string, waiting: readonly Request[], now: number): RawPool['waited'] {
    const last = waiting.at(-1)!;
    if (!this.#queued.has(last)) this.#queued.set(last, { name, sinceMs: now });
    return this.#waited.get(name) ?? { count: 0, ms: 0 };
  }
}

function hasLimit(agent: Agent | null | undefined): agent is Agent {
  return typeof agent?.maxSockets === 'number' && agent.maxSockets < NativeNumber.POSITIVE_INFINITY;
}

/** Where one of those that wait was made. */
function madeAt(waiting: readonly Request[], framesOf: FramesOf): RawFrame[] {
  for (let i = 0; i < min(waiting.length, MAX_QUEUED); i++) {
    const frames = framesOf(asyncIdOf(waiting[i]!, null));
    if (frames) return frames;
  }
  return [];
}

/** "unread": the answer has begun, and nobody has taken anything of it since the last time. */
function stateOf({ res }: Request, still: boolean): RawPool['held'][number]['state'] {
  if (!res) return 'unanswered';
  const isPaused = res._readableState?.flowing !== true && res.complete !== true && res.destroyed !== true;
  return isPaused && still ? 'unread' : 'read';
}

function requestOf(connection: Connection | null | undefined): Request | null {
  return connection?._httpMessage ?? null;
}

/** Of a handle of Node's, also where it stands for one that is used again. */
function connectionOf(handle: object): Connection | null {
  const inner = (handle as { handle?: object }).handle ?? handle;
  return (symbolOf(inner, 'owner_symbol') as Connection | undefined) ?? null;
}

function asyncIdOf(request: Request, connection: Connection | null): number {
  const resource = symbolOf(request, 'requestAsyncResource') as { asyncId?: () => number } | undefined;
  if (typeof resource?.asyncId === 'function') return apply(resource.asyncId, resource, []);
  const id = connection && symbolOf(connection, 'async_id_symbol');
  return typeof id === 'number' ? id : -1;
}

/** "host:port" of Node's name, which goes on with certificates. */
function addressIn(name: string): string {
  return name.split(':').slice(0, 2).join(':').slice(0, NAME_LIMIT);
}
