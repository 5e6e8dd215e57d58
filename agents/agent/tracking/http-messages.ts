/** What node:http and undici publish of requests, and what is read from it. Without regular expressions: see handle-types.ts. */
import { apply, NativeString } from '../../primordials.ts';
import type { Outgoing, Reason } from './origins.ts';
import type { Upstream } from './upstreams.ts';

/** Longer than a host's name and its port, with a user's. */
const MAX_AUTHORITY = 512;

/** As far as they are looked at; the application may have put anything in their place. */
export interface Socket {
  connecting?: unknown;
  secureConnecting?: unknown;
  encrypted?: unknown;
  once?: (event: string, listener: () => void) => unknown;
  _handle?: { getAsyncId?: () => unknown } | null;
}
export interface NodesRequest {
  agent?: { keepAlive?: unknown; maxSockets?: unknown } | null;
  protocol?: unknown;
  method?: unknown;
  path?: unknown;
  host?: unknown;
  shouldKeepAlive?: unknown;
  reusedSocket?: unknown;
  destroyed?: unknown;
  socket?: Socket | null;
  getHeader?: (name: string) => unknown;
  res?: { complete?: unknown; destroyed?: unknown } | null;
}
export interface NodesAnswer {
  headers?: { connection?: unknown };
  httpVersion?: unknown;
}
/** What is known of a request while it is under way. */
export interface Known {
  one: Outgoing;
  upstream: Upstream | null;
  /** It has a connection since. */
  sentMs: number;
  /** A connection is opened for it. */
  opened: boolean;
  reason: Reason | null;
  /** That the connection be closed after it. */
  asksToClose: boolean;
  done: boolean;
}

export interface UndicisRequest {
  origin?: unknown;
  method?: unknown;
  path?: unknown;
}
export interface Connecting {
  connectParams?: { host?: unknown; protocol?: unknown };
  connector?: object;
  socket?: object;
}

export function headerOf(request: NodesRequest, name: string): string | null {
  const { getHeader } = request;
  const value = typeof getHeader === 'function' ? apply(getHeader, request, [name]) : null;
  return typeof value === 'string' ? value : null;
}

/** Of the value of a header `Connection`: "keep-alive, Close". */
export function isClose(value: string): boolean {
  const words = value.split(',');
  for (let i = 0; i < words.length; i++) if (words[i]!.trim().toLowerCase() === 'close') return true;
  return false;
}

/** Of "http://host:port". */
export function hostIn(origin: string): string {
  const slashes = origin.indexOf('//');
  if (slashes < 0) return '';
  const from = slashes + '//'.length;
  const bracket = origin[from] === '[' ? origin.indexOf(']', from) : -1;
  return bracket < 0 ? origin.slice(from, endOf(origin, from, ':/')) : origin.slice(from, bracket + 1);
}

/** Of the first of these characters; of the text, where there is none. */
function endOf(text: string, from: number, ends: string): number {
  let end = from;
  while (end < text.length && !ends.includes(text[end]!)) end++;
  return end;
}

/** Names and values in turn, as undici has them from the wire. */
export function closes(headers: unknown): boolean {
  const list = headers as { [index: number]: unknown; length?: unknown } | null | undefined;
  const length = typeof list?.length === 'number' ? list.length : 0;
  for (let i = 0; i + 1 < length && i < 100; i += 2) {
    if (NativeString(list![i]).toLowerCase() === 'connection' && isClose(NativeString(list![i + 1]))) return true;
  }
  return false;
}

/** As undici writes them: lines of "name: value". */
export function asksForClose(headers: unknown): boolean {
  return typeof headers === 'string' && headers.toLowerCase().includes('\r\nconnection: close\r\n');
}

/** Of a text, a URL or a Request: "http://host:port". */
export function originOf(input: unknown): string | null {
  const { href, url } = (typeof input === 'object' && input !== null ? input : {}) as { href?: unknown; url?: unknown };
  const given = typeof input === 'string' ? input : typeof href === 'string' ? href : url;
  if (typeof given !== 'string') return null;
  const text = given.slice(0, MAX_AUTHORITY).toLowerCase();
  const scheme = text.startsWith('https://') ? 'https://' : text.startsWith('http://') ? 'http://' : null;
  if (scheme === null) return null;
  const authority = text.slice(scheme.length, endOf(text, scheme.length, '/?#'));
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const usual = scheme === 'https://' ? ':443' : ':80';
  if (host === '') return null;
  return scheme + (host.endsWith(usual) ? host.slice(0, -usual.length) : host);
}
