/** What Node's lists of open things have, in words. */
import type { AliveKind } from '../../../src/protocol/why-parts.ts';
import { redactArguments } from '../../../src/util/redact.ts';
import { builtIn } from '../../built-in.ts';
import {
  apply,
  getPrototypeOf,
  isArray,
  NativeMap,
  NativeSet,
  NativeString,
  ownKeys,
  process,
} from '../../primordials.ts';
import { classOf, isObject, read, socketAddress, symbolValue, textOf } from '../plain-values.ts';
import { runningWorkers } from './workers.ts';

/** One thing that keeps the loop going. */
export interface Thing {
  kind: AliveKind;
  what: string;
  /** Itself, and what Node made for it: of one of them the origin is known. */
  objects: object[];
  /** Whose listeners it calls. */
  emitters?: object[];
  /** Further functions that it calls. */
  callbacks?: { event: string; callback: object }[];
  ageMs?: number;
}

const PROTOTYPE_LIMIT = 12;
const MAX_COMMAND = 120;

/** Without what is part of another thing, and without streams that neither read nor write: these keep nothing alive. */
export function openThings(handles: readonly object[], requests: readonly object[]): Thing[] {
  const parts = partsOf(handles);
  const busy = new NativeMap<object, object>();
  for (const request of requests) {
    const handle = read(request, 'handle');
    if (isObject(handle)) busy.set(handle, request);
  }
  const things: Thing[] = [];
  for (const worker of runningWorkers()) if (isReferenced(worker)) things.push(workerThing(worker));
  const listed = new NativeSet<object>();
  for (const handle of handles) {
    if (parts.has(handle)) continue;
    const thing = handleThing(handle, busy);
    const natives = nativesOf(handle);
    for (const one of natives) listed.add(one);
    // A connection comes from outside: the line is that of its server.
    const server = read(handle, '_server');
    const objects = isObject(server) ? [...natives, ...nativesOf(server)] : natives;
    const message = read(handle, '_httpMessage');
    if (thing) things.push({ ...thing, objects, emitters: [handle, message, server].filter(isObject) });
  }
  for (const request of requests) {
    const handle = read(request, 'handle');
    if (!isObject(handle) || !listed.has(handle)) things.push(requestThing(classOf(request), request));
  }
  return things;
}

/** Streams and channels of child processes, and ports of worker threads. */
function partsOf(handles: readonly object[]): Set<object> {
  const parts = new NativeSet<object>();
  for (const handle of handles) {
    if (typeof read(handle, 'pid') !== 'number' || handle === process) continue;
    const streams = read(handle, 'stdio');
    if (isArray(streams)) for (const stream of streams) if (isObject(stream)) parts.add(stream);
    const channel = symbolValue(handle, 'kChannelHandle');
    if (isObject(channel)) parts.add(channel);
  }
  for (const worker of runningWorkers()) for (const port of ownObjects(worker)) parts.add(port);
  return parts;
}

/** Whether it keeps the process alive: Node's own handle of it knows. */
function isReferenced(worker: object): boolean {
  const native = symbolValue(worker, 'kHandle');
  const ask = isObject(native) ? read(getPrototypeOf(native) as object, 'hasRef') : null;
  return typeof ask !== 'function' || apply(ask as () => boolean, native, []);
}

function workerThing(worker: object): Thing {
  const { threadId } = worker as { threadId: number };
  return { kind: 'worker', what: `worker thread ${threadId}`, objects: nativesOf(worker) };
}

type Described = Pick<Thing, 'kind' | 'what'> | null;

function handleThing(handle: object, busy: Map<object, object>): Described {
  if (typeof read(handle, 'spawnfile') === 'string') return child(handle);
  if (isMadeBy('net', 'Server', handle)) return server(handle);
  if (isMadeBy('net', 'Socket', handle)) return socket(handle, busy);
  if (isMadeBy('dgram', 'Socket', handle)) return udp(handle);
  const name = classOf(handle);
  if (/^(FS|Stat)Watcher$|^FSEvent$/.test(name)) return { kind: 'watcher', what: 'file watcher' };
  if (name === 'MessagePort') return port(handle);
  if (name === 'Pipe' && isChannel(handle))
    return { kind: 'pipe', what: 'channel to the parent process (process.on("message"))' };
  return { kind: 'other', what: name };
}

function child(handle: object): Described {
  const words = read(handle, 'spawnargs');
  const command = isArray(words) ? redactArguments(words.filter((word) => typeof word === 'string')).join(' ') : '';
  const shown = command.slice(0, MAX_COMMAND) || textOf(read(handle, 'spawnfile'));
  return { kind: 'child-process', what: `child process ${shown} (pid ${NativeString(read(handle, 'pid'))})` };
}

function server(handle: object): Described {
  const address = socketAddress(handle, 'getsockname') || textOf(read(handle, '_pipeName'));
  return { kind: 'server', what: address ? `server on ${address}` : 'server' };
}

function socket(handle: object, busy: Map<object, object>): Described {
  const native = read(handle, '_handle') ?? symbolValue(handle, 'kHandle');
  const request = isObject(native) ? busy.get(native) : undefined;
  const connecting = read(handle, 'connecting') === true;
  const fd = read(handle, 'fd');
  const reads = isObject(native) && read(native, 'reading') === true;
  if (!reads && !connecting && !request) return null;
  if (fd === 0) return { kind: 'stdin', what: 'stdin, which is read' };
  if (fd === 1 || fd === 2) return { kind: 'pipe', what: `${fd === 1 ? 'stdout' : 'stderr'}, which nobody reads` };
  const remote = socketAddress(handle, 'getpeername') || addressOf(request);
  const message = read(handle, '_httpMessage');
  const isAccepted = isObject(read(handle, '_server') ?? read(handle, 'server'));
  if (isAccepted) return connection(handle, remote, message);
  if (isObject(message)) return clientRequest(message, remote);
  if (!remote && classOf(native ?? {}) === 'Pipe') {
    const path = textOf(read(handle, '_pipeName') ?? read(handle, 'path'));
    return { kind: 'pipe', what: path ? `socket to ${path}` : 'pipe' };
  }
  const name = textOf(read(handle, '_host'));
  const host = name && remote && !remote.startsWith(name) ? ` (${name})` : '';
  const how = connecting ? 'socket that connects' : 'socket';
  return { kind: 'socket', what: remote || name ? `${how} to ${remote || name}${host}` : how };
}

function connection(handle: object, remote: string, message: unknown): Described {
  const local = socketAddress(handle, 'getsockname');
  const request = isObject(message) ? read(message, 'req') : undefined;
  const call = isObject(request) ? ` with ${requestLine(request, 'url')}, which has no complete answer` : '';
  // Ports of clients differ, and say nothing.
  const from = remote.replace(/:\d+$/, '');
  return { kind: 'connection', what: `connection from ${from || 'a client'} to ${local || 'the server'}${call}` };
}

function clientRequest(message: object, remote: string): Described {
  const protocol = textOf(read(message, 'protocol'));
  const host = textOf(read(message, 'host'));
  const port = /:\d+$/.exec(remote)?.[0] ?? '';
  const place = host ? ` ${protocol}//${host}${port}` : ` ${remote}`;
  return {
    kind: 'request',
    what: `request ${textOf(read(message, 'method'))}${place}${pathOf(textOf(read(message, 'path') ?? symbolValue(message, 'kPath')))}`,
  };
}

function requestLine(request: object, path: string): string {
  return `${textOf(read(request, 'method'))} ${pathOf(textOf(read(request, path)))}`;
}

/** Queries can be secret. */
function pathOf(url: string): string {
  return url.split(/[?#]/)[0]!;
}

/** Of an attempt to connect. */
function addressOf(request: object | undefined): string {
  const address = request && textOf(read(request, 'address'));
  if (!address) return '';
  const port = read(request!, 'port');
  return `${address.includes(':') ? `[${address}]` : address}${typeof port === 'number' ? `:${port}` : ''}`;
}

function udp(handle: object): Described {
  const state = symbolValue(handle, 'state symbol');
  const native = isObject(state) ? read(state, 'handle') : undefined;
  const address = isObject(native) ? socketAddress(native, 'getsockname') : '';
  return { kind: 'udp-socket', what: address ? `UDP socket on ${address}` : 'UDP socket' };
}

function port(handle: object): Described {
  const threads = builtIn<typeof import('node:worker_threads')>('worker_threads');
  const isParents = threads?.parentPort === (handle as unknown);
  return { kind: 'message-port', what: isParents ? 'parentPort, whose messages are listened to' : 'message port' };
}

function isChannel(handle: object): boolean {
  return symbolValue(process, 'kChannelHandle') === handle;
}

const OPERATIONS: readonly [start: RegExp, words: string][] = [
  [/^FSReq/i, 'file operation'],
  [/^(GetAddrInfo|GetNameInfo)/i, 'DNS look-up'],
  [/^Query/i, 'DNS query'],
  [/^(PBKDF2|SCRYPT|KEY|RANDOMBYTES|HASH|SIGN|CIPHER|CHECKPRIME|DERIVEBITS)/, 'crypto operation'],
  [/^ZLIB/i, 'compression'],
  [/^(Pipe|TCP)Connect/i, 'connection attempt'],
  [/^(Write|Shutdown)/i, 'write'],
];

export function requestThing(type: string, request: object): Thing {
  const words = OPERATIONS.find(([start]) => start.test(type))?.[1] ?? type;
  const name = textOf(read(request, 'hostname')) || addressOf(request);
  return {
    kind: 'request',
    what: `${words}${name ? ` of ${name}` : ''} in progress`,
    objects: nativesOf(request),
    callbacks: callbacksOf(request),
  };
}

/** Of a file operation the program's own callback is kept in one of these. */
function callbacksOf(request: object): { event: string; callback: object }[] {
  const context = read(request, 'context');
  const values = [
    read(request, 'callback'),
    isObject(context) ? read(context, 'callback') : null,
    read(request, 'oncomplete'),
  ];
  const found: { event: string; callback: object }[] = [];
  for (const value of values) if (typeof value === 'function') found.push({ event: 'callback', callback: value });
  return found;
}

/** The object, and those that it has: Node's async resources are among them. */
function nativesOf(object: object): object[] {
  const found = [object, ...ownObjects(object)];
  const state = symbolValue(object, 'state symbol');
  return isObject(state) ? [...found, ...ownObjects(state)] : found;
}

function ownObjects(object: object): object[] {
  const found: object[] = [];
  for (const key of ownKeys(object)) {
    const value = read(object, key);
    if (isObject(value)) found.push(value);
  }
  return found;
}

/** Whether the object is one of this class of Node, or of one derived from it; a module that is not loaded has none. */
function isMadeBy(module: string, name: string, object: object): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  if (!moduleLoadList?.includes(`NativeModule ${module}`)) return false;
  const { prototype } = builtIn<Record<string, { prototype: object }>>(module)?.[name] ?? {};
  for (let proto = getPrototypeOf(object), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    if (proto === prototype) return true;
  }
  return false;
}

/** The number that Node gives an async resource; null if it is none. */
export function asyncIdOf(object: object): number | null {
  const own = symbolValue(object, 'asyncId');
  if (typeof own === 'number') return own;
  for (let proto = getPrototypeOf(object), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    const ask = read(proto, 'getAsyncId');
    if (typeof ask !== 'function') continue;
    try {
      return apply(ask as () => number, object, []);
    } catch {
      return null;
    }
  }
  return null;
}
