import { builtIn } from '../../built-in.ts';
import {
  getOwnPropertyDescriptor,
  isArray,
  isView,
  keys,
  NativeArrayBuffer,
  NativeMap,
  NativeSet,
  NativeSharedArrayBuffer,
  NativeWeakSet,
} from '../../primordials.ts';

/** Values that are looked at: some 50 µs, where sending took a millisecond. */
const MAX_VALUES = 600;
/** Of a list, from its beginning; the others count as much. */
const MAX_ITEMS = 24;
/** Of a value in V8's format, about: a tag and a number. */
const VALUE_BYTES = 9;

interface Waiting {
  value: unknown;
  /** How many it stands for. */
  weight: number;
}

/** How much of a message is copied, about. What was handed over or is shared is not copied. No getter and no proxy of the program is called. */
export function messageBytes(message: unknown): number {
  const isProxy = builtIn<typeof import('node:util')>('util')!.types.isProxy;
  const seen = new NativeWeakSet<object>();
  const waiting: Waiting[] = [{ value: message, weight: 1 }];
  let bytes = 0;
  for (let i = 0; i < waiting.length && i < MAX_VALUES; i++) {
    const { value, weight } = waiting[i]!;
    const own = sizeOfOne(value);
    bytes += weight * own;
    if (typeof value !== 'object' || value === null || isView(value) || isProxy(value) || seen.has(value)) continue;
    seen.add(value);
    bytes += weight * addParts(value, weight, waiting);
  }
  return bytes;
}

function sizeOfOne(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (isView(value)) return value.buffer instanceof NativeSharedArrayBuffer ? 0 : value.byteLength;
  return VALUE_BYTES;
}

/** Puts what an object holds in the queue; returns the size of its keys. */
function addParts(object: object, weight: number, waiting: Waiting[]): number {
  if (isArray(object)) {
    const looked = object.length < MAX_ITEMS ? object.length : MAX_ITEMS;
    for (let i = 0; i < looked; i++) push(waiting, plainValue(object, i), (weight * object.length) / looked);
    return 0;
  }
  if (object instanceof NativeMap || object instanceof NativeSet) {
    let left = MAX_ITEMS;
    const each = object.size < MAX_ITEMS ? 1 : object.size / MAX_ITEMS;
    for (const item of object as Iterable<unknown>) {
      if (left-- <= 0) break;
      push(waiting, item, weight * each);
    }
    return 0;
  }
  if (object instanceof NativeArrayBuffer) return object.byteLength;
  if (object instanceof NativeSharedArrayBuffer) return 0;
  const names = keys(object);
  const looked = names.length < MAX_ITEMS ? names.length : MAX_ITEMS;
  let bytes = 0;
  for (let i = 0; i < looked; i++) {
    bytes += names[i]!.length;
    push(waiting, plainValue(object, names[i]!), (weight * names.length) / looked);
  }
  return looked === 0 ? 0 : (bytes * names.length) / looked;
}

function push(waiting: Waiting[], value: unknown, weight: number): void {
  if (waiting.length < MAX_VALUES) waiting[waiting.length] = { value, weight };
}

function plainValue(of: object, key: string | number): unknown {
  return getOwnPropertyDescriptor(of, key)?.value;
}
