/** Reads objects of the program and of Node without running code of the program. */
import { apply, getOwnPropertyDescriptor, getOwnPropertySymbols, getPrototypeOf } from '../primordials.ts';

const PROTOTYPE_LIMIT = 8;
const TEXT_LIMIT = 200;

type Bag = Record<PropertyKey, unknown>;

/** Asks libuv's handle, through the method of its native class. */
export function socketAddress(handle: object, method: 'getpeername' | 'getsockname'): string {
  const native = read(handle, '_handle') ?? symbolValue(handle, 'kHandle') ?? handle;
  if (!isObject(native)) return '';
  for (let proto = getPrototypeOf(native), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    const ask = read(proto, method);
    if (typeof ask !== 'function') continue;
    const address: Bag = {};
    try {
      apply(ask, native, [address]);
    } catch {
      return '';
    }
    if (typeof address.port !== 'number') return '';
    return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }
  return '';
}

/** The name of the class, from its prototype. */
export function classOf(object: object): string {
  for (let proto = getPrototypeOf(object), i = 0; proto && i < PROTOTYPE_LIMIT; proto = getPrototypeOf(proto), i++) {
    const made = read(proto, 'constructor');
    if (typeof made === 'function') return nameOf(made) || 'Object';
  }
  return 'Object';
}

export function nameOf(made: object): string {
  return textOf(read(made, 'name'));
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, TEXT_LIMIT) : '';
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The value of an own property whose key is Node's symbol of that name. */
export function symbolValue(object: object, name: string): unknown {
  const symbol = getOwnPropertySymbols(object).find(({ description }) => description === name);
  return symbol && read(object, symbol);
}

/** An own property that holds a value: getters are not called. */
export function read(object: object, key: PropertyKey): unknown {
  return getOwnPropertyDescriptor(object, key)?.value;
}
