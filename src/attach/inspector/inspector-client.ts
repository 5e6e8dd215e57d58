/** Speaks V8's inspector protocol with a running Node: enough of HTTP and WebSocket (RFC 6455) for that, as Node 20 has no client of its own. */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { isObject } from '../../util/shapes.ts';
import type { Way } from './streams.ts';

const MAX_BYTES = 64e6;
const LIST_MS = 10_000;

/** The stream ended, or says what no inspector of Node's says. */
export class NoInspector extends Error {}

export interface InspectorClient {
  /** Rejects with NoInspector where the connection ends; of a failed call the result has `error`. */
  post(method: string, params: object): Promise<Record<string, unknown>>;
  onEvent(listener: (method: string, params: Record<string, unknown>) => void): void;
  /** Sends and does not wait for an answer. */
  send(method: string, params: object): void;
  close(): void;
}

/** Connects to the inspector of the main thread that listens there. */
export async function openInspector(way: Way, port: number): Promise<InspectorClient> {
  const path = await targetPath(await way.open(port), port);
  const stream = await way.open(port);
  const client = new Client(stream);
  await client.upgrade(path, port);
  return client;
}

/** "/<id>", out of what `/json/list` answers. */
function targetPath(stream: Duplex, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => stream.destroy(new NoInspector('no answer')), LIST_MS);
    const look = (): void => {
      const id = /"webSocketDebuggerUrl":\s*"ws:\/\/[^"]*(\/[\w-]+)"/.exec(text)?.[1];
      if (id === undefined) return;
      resolve(id);
      stream.destroy();
    };
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (text.length > MAX_BYTES) stream.destroy();
      look();
    });
    stream.on('error', reject);
    stream.once('close', () => {
      clearTimeout(timer);
      reject(new NoInspector('no inspector answers'));
    });
    stream.write(`GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  });
}

class Client implements InspectorClient {
  readonly #stream: Duplex;
  readonly #waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  readonly #listeners: ((method: string, params: Record<string, unknown>) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #upgraded: (() => void) | null = null;
  #nextId = 1;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    stream.on('error', () => {});
  }

  upgrade(path: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#upgraded = resolve;
      this.#stream.once('close', () => {
        const ended = new NoInspector('the connection to the inspector ended');
        reject(ended);
        for (const { reject: fail } of this.#waiting.values()) fail(ended);
        this.#waiting.clear();
      });
      const key = randomBytes(16).toString('base64');
      this.#stream.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
  }

  post(method: string, params: object): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      if (this.#stream.destroyed) {
        reject(new NoInspector('the connection to the inspector ended'));
        return;
      }
      this.#waiting.set(this.#nextId, { resolve, reject });
      this.send(method, params);
    });
  }

  send(method: string, params: object): void {
    const id = this.#nextId++;
    this.#stream.write(frame(JSON.stringify({ id, method, params })));
  }

  onEvent(listener: (method: string, params: Record<string, unknown>) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#stream.destroy();
  }

  #onBytes(bytes: Buffer): void {
    this.#bytes = this.#bytes.length > 0 ? Buffer.concat([this.#bytes, bytes]) : bytes;
    if (this.#upgraded && !this.#shakeHands()) return;
    try {
      for (let message = this.#next(); message !== null; message = this.#next()) this.#onMessage(message);
    } catch {
      this.close();
    }
  }

  #shakeHands(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (!this.#bytes.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) this.close();
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#upgraded?.();
    this.#upgraded = null;
    return true;
  }

  /** The text of the next whole frame, '' where it has none for us; null where it has not come. A server masks nothing. */
  #next(): string | null {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    let length = bytes[1]! & 0x7f;
    let at = 2;
    if (length === 126) {
      at = 4;
      if (bytes.length < at) return null;
      length = bytes.readUInt16BE(2);
    } else if (length === 127) {
      at = 10;
      if (bytes.length < at) return null;
      length = Number(bytes.readBigUInt64BE(2));
    }
    if (length > MAX_BYTES) throw new NoInspector('a message is too long');
    if (bytes.length < at + length) return null;
    this.#bytes = bytes.subarray(at + length);
    return (bytes[0]! & 0x0f) === 1 ? bytes.toString('utf8', at, at + length) : '';
  }

  #onMessage(text: string): void {
    if (text === '') return;
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) return;
    const { id, method, params, result, error } = message;
    if (typeof method === 'string') {
      for (const listener of this.#listeners) listener(method, isObject(params) ? params : {});
      return;
    }
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    waiting?.resolve(isObject(result) ? result : { error });
  }
}

/** One text frame, masked as a client must. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([0x81, 0x80 | length])
      : length < 65_536
        ? Buffer.from([0x81, 0xfe, length >> 8, length & 0xff])
        : Buffer.alloc(10);
  if (length >= 65_536) {
    head[0] = 0x81;
    head[1] = 0xff;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  for (let i = 0; i < length; i++) payload[i]! ^= mask[i & 3]!;
  return Buffer.concat([head, mask, payload]);
}
