import { apply, isArray, keys, monotonicMs, NativeSet, NativeWeakMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawPool } from '../../tracked.ts';
import { symbolOf } from './handle-state.ts';

/** Agents of Node's http looked at, and connections of each, at a time. */
const MAX_AGENTS = 20;
const MAX_CONNECTIONS = 100;
const NAME_LIMIT = 100;

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
  agent?: Agent;
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

  read(handles: Iterable<object>, framesOf: FramesOf): RawPool[] {
    const agents = new NativeSet<Agent>();
    for (const handle of handles) {
      const agent = requestOf(connectionOf(handle))?.agent;
      if (agent && agents.size < MAX_AGENTS) agents.add(agent);
    }
    return [...agents].flatMap((agent) =>
      keys(agent.requests ?? {}).flatMap((name) => this.#poolOf(agent, name, framesOf) ?? []),
    );
  }

  #poolOf({ maxSockets, requests, sockets }: Agent, name: string, framesOf: FramesOf): RawPool | null {
    const waiting = requests![name];
    const taken = sockets?.[name];
    if (!isArray(waiting) || !isArray(taken) || waiting.length === 0 || typeof maxSockets !== 'number') return null;
    const now = monotonicMs();
    const pool = { name: addressIn(name), max: maxSockets, taken: taken.length, waiting: waiting.length };
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

function asyncIdOf(request: Request, connection: Connection): number {
  const resource = symbolOf(request, 'kRequestAsyncResource') as { asyncId?: () => number } | undefined;
  if (typeof resource?.asyncId === 'function') return apply(resource.asyncId, resource, []);
  const id = symbolOf(connection, 'async_id_symbol');
  return typeof id === 'number' ? id : -1;
}

/** "host:port" of Node's name, which goes on with certificates. */
function addressIn(name: string): string {
  return name.split(':').slice(0, 2).join(':').slice(0, NAME_LIMIT);
}
