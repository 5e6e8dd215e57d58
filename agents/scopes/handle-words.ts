import type { LeftoverKind } from '../../src/library/types.ts';
import { ownerOf } from './servers.ts';

/** Node's names of the async resources that represent something open. Without a prototype: programs may have any names. */
const KINDS: Record<string, LeftoverKind> = Object.assign(Object.create(null) as object, {
  Timeout: 'timer',
  TCPSERVERWRAP: 'server',
  PIPESERVERWRAP: 'server',
  TCPWRAP: 'socket',
  PIPEWRAP: 'pipe',
  UDPWRAP: 'socket',
  TTYWRAP: 'pipe',
  FSEVENTWRAP: 'watcher',
  STATWATCHER: 'watcher',
  PROCESSWRAP: 'child-process',
  WORKER: 'worker',
  MESSAGEPORT: 'message-port',
} satisfies Record<string, LeftoverKind>);
const REQUESTS: readonly [start: string, words: string][] = [
  ['FSREQ', 'file operation'],
  ['GETADDRINFO', 'DNS lookup'],
  ['GETNAMEINFO', 'DNS lookup'],
  ['QUERYWRAP', 'DNS lookup'],
  ['PBKDF2', 'crypto operation'],
  ['SCRYPT', 'crypto operation'],
  ['KEYPAIRGEN', 'crypto operation'],
];

/** null for a resource that ends by itself, or belongs to another one. */
export function kindOf(type: string): LeftoverKind | null {
  return KINDS[type] ?? (requestWords(type) ? 'request' : null);
}

function requestWords(type: string): string | null {
  return REQUESTS.find(([start]) => type.startsWith(start))?.[1] ?? null;
}

/** In words: "interval of 1000 ms", "server on 127.0.0.1:8080". */
export function wordsOf(kind: LeftoverKind, type: string, resource: object): string {
  try {
    if (kind === 'timer') return timerWords(resource);
    if (kind === 'server') return `server${addressOf(resource, 'getsockname', ' on ')}`;
    if (type === 'TCPWRAP') return `socket${addressOf(resource, 'getpeername', ' to ')}`;
    if (type === 'UDPWRAP') return `UDP socket${addressOf(resource, 'getsockname', ' on ')}`;
    if (kind === 'child-process') return childWords(resource);
  } catch {
    // Its kind is enough.
  }
  if (kind === 'watcher') return 'file watcher';
  return requestWords(type) ?? kind.replace('-', ' ');
}

function timerWords(resource: object): string {
  const { _idleTimeout: ms, _repeat: repeat } = resource as { _idleTimeout?: unknown; _repeat?: unknown };
  return `${repeat ? 'interval' : 'timer'}${typeof ms === 'number' && ms > 0 ? ` of ${ms} ms` : ''}`;
}

interface Addressed {
  address?: string;
  port?: number;
  family?: string;
}

function addressOf(resource: object, method: 'getsockname' | 'getpeername', before: string): string {
  const ask = (resource as Record<string, unknown>)[method];
  if (typeof ask !== 'function') return '';
  const out: Addressed = {};
  Reflect.apply(ask, resource, [out]);
  if (out.address === undefined || out.port === undefined) return '';
  return `${before}${out.address.includes(':') ? `[${out.address}]` : out.address}:${out.port}`;
}

function childWords(resource: object): string {
  const child = ownerOf(resource) as { spawnfile?: unknown } | null;
  const file = typeof child?.spawnfile === 'string' ? ` ${child.spawnfile.split(/[\\/]/).at(-1)}` : '';
  return `child process${file} (${String((resource as { pid?: unknown }).pid)})`;
}
