/** What node:http and undici publish of requests, and what is read from it. */
import { apply, NativeString } from '../../primordials.ts';

/** The value of a header `Connection`. */
export const CLOSE = /(^|,)\s*close\s*(,|$)/i;

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
export interface UndicisRequest {
  origin?: unknown;
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

/** Of "http://host:port". */
export function hostIn(origin: string): string {
  return /\/\/(\[[^\]]*\]|[^:/]*)/.exec(origin)?.[1] ?? '';
}

/** Names and values in turn, as undici has them from the wire. */
export function closes(headers: unknown): boolean {
  const list = headers as { [index: number]: unknown; length?: unknown } | null | undefined;
  const length = typeof list?.length === 'number' ? list.length : 0;
  for (let i = 0; i + 1 < length && i < 100; i += 2) {
    if (/^connection$/i.test(NativeString(list![i])) && CLOSE.test(NativeString(list![i + 1]))) return true;
  }
  return false;
}

/** Of a text, a URL or a Request: "http://host:port". */
export function originOf(input: unknown): string | null {
  const { href, url } = (typeof input === 'object' && input !== null ? input : {}) as { href?: unknown; url?: unknown };
  const text = typeof input === 'string' ? input : typeof href === 'string' ? href : url;
  const found = typeof text === 'string' ? /^(https?:\/\/)(?:[^/?#@]*@)?([^/?#]+)/i.exec(text) : null;
  if (!found) return null;
  const host = found[2]!.toLowerCase();
  return `${found[1]!.toLowerCase()}${host.replace(found[1] === 'https://' ? /:443$/ : /:80$/, '')}`;
}
