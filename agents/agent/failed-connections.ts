/**
 * Connections that could not be made, by address: between two attempts, a client that tries again and again has nothing open that shows
 * it. Node destroys the socket of each with its error, which has the address.
 */
import type { FailedConnections } from '../../src/protocol/open-resources.ts';
import { builtIn } from '../built-in.ts';
import { createSensor, isOff } from '../guard.ts';
import { apply, getOwnPropertyDescriptor, isArray, monotonicMs, NativeMap, process } from '../primordials.ts';
import { replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, like } from './replace.ts';

const MAX_ADDRESSES = 32;
const TEXT_LIMIT = 200;
/** Fewer are no pattern, and what failed longer ago may be over. */
const LEAST_TIMES = 3;
const RECENT_MS = 30_000;

const sensor = createSensor('the count of failed connections');
const failed = new NativeMap<string, { code: string; count: number; firstMs: number; lastMs: number }>();
let isFollowed = false;

/** Call it about once a second: Node's net is not loaded for it, as that takes milliseconds. */
export function followFailedConnections(): void {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  if (isFollowed || !moduleLoadList?.includes('NativeModule net')) return;
  isFollowed = true;
  const { Socket } = builtIn<typeof import('node:net')>('net')!;
  const sockets = Socket.prototype as unknown as Record<string, unknown>;
  const original = sockets._destroy as AnyFunction;
  const wrapper = like(original, function markedCall(this: unknown, error: unknown): unknown {
    try {
      if (typeof error === 'object' && error !== null && !isOff(sensor)) note(error);
    } catch (caught) {
      sensor.caught = { error: caught };
    }
    // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
    return apply(original, this, arguments);
  });
  replaceUntilLeft(sockets, '_destroy', original, wrapper);
}

/** Of several addresses of one name, Node tries each: the error has an error for each. */
function note(error: object): void {
  const errors = plainValue(error, 'errors');
  if (isArray(errors)) {
    for (let i = 0; i < errors.length && i < MAX_ADDRESSES; i++) noteOne(errors[i]);
  } else noteOne(error);
}

function noteOne(error: unknown): void {
  if (typeof error !== 'object' || error === null) return;
  const isLookup = plainValue(error, 'syscall') === 'getaddrinfo';
  const address = plainValue(error, isLookup ? 'hostname' : 'address');
  if ((!isLookup && plainValue(error, 'syscall') !== 'connect') || typeof address !== 'string') return;
  const port = plainValue(error, 'port');
  const code = plainValue(error, 'code');
  const host = address.includes(':') ? `[${address}]` : address;
  add(typeof port === 'number' ? `${host}:${port}` : address, typeof code === 'string' ? code : '');
}

/** None of the program's getters is called. */
function plainValue(error: object, name: string): unknown {
  return getOwnPropertyDescriptor(error, name)?.value;
}

function add(address: string, code: string): void {
  const key = address.slice(0, TEXT_LIMIT);
  const now = monotonicMs();
  const one = failed.get(key) ?? { code: '', count: 0, firstMs: now, lastMs: now };
  if (one.count === 0 && failed.size >= MAX_ADDRESSES) return;
  failed.set(key, one);
  // What failed long ago was another time.
  if (now - one.lastMs > RECENT_MS) {
    one.count = 0;
    one.firstMs = now;
  }
  one.count++;
  one.code = code.slice(0, TEXT_LIMIT);
  one.lastMs = now;
}

/** Addresses to which connections fail again and again, the most often first. */
export function failedConnections(): FailedConnections[] {
  const now = monotonicMs();
  const found: FailedConnections[] = [];
  for (const [address, { code, count, firstMs, lastMs }] of failed) {
    if (count < LEAST_TIMES || now - lastMs > RECENT_MS) continue;
    found[found.length] = { address, code, count, firstAgoMs: now - firstMs, lastAgoMs: now - lastMs };
  }
  return found.sort((a, b) => b.count - a.count);
}
