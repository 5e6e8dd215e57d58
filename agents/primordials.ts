import type { Json } from '../src/protocol/thread-api.ts';

/**
 * Built-ins as they were before the application could replace them (fake timers, mocks, lockdown): what runs in the
 * observed thread takes them from here, and `test/primordials.test.ts` checks that.
 *
 * Methods of arrays, maps and strings are still looked up when they are called: what they throw, if the program has replaced
 * them, is caught by the guard of the entry (`guard.ts`).
 */
export const { add, compareExchange, exchange, load, notify, store, wait } = Atomics;
export const { stringify } = JSON;
/** The same, keeping the type of the value. */
export const toJson = stringify as <Value>(value: Value) => Json<Value>;
export const { abs, ceil, clz32, exp, floor, log, max, min, random, round } = Math;
export const { apply, construct, defineProperty: tryDefineProperty, deleteProperty, ownKeys } = Reflect;
export const { assign, create, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames } = Object;
export const { getOwnPropertySymbols, getPrototypeOf, keys } = Object;
export const { isArray } = Array;
export const { isView } = ArrayBuffer;
export const { isFinite: isFiniteNumber } = Number;
export const { clearInterval, clearTimeout, performance, process, queueMicrotask } = globalThis;
export const { setImmediate, setInterval, setTimeout } = globalThis;
export const globalObject = globalThis;
/** Milliseconds of the monotonic clock since the process began. */
export const monotonicMs = performance.now.bind(performance);
/** Milliseconds since 1970. */
export const wallMs = Date.now;

export const {
  ArrayBuffer: NativeArrayBuffer,
  Date: NativeDate,
  Error: NativeError,
  EventTarget: NativeEventTarget,
  Float64Array: NativeFloat64Array,
  Function: NativeFunction,
  Int32Array: NativeInt32Array,
  Map: NativeMap,
  Number: NativeNumber,
  Object: NativeObject,
  Promise: NativePromise,
  Proxy: NativeProxy,
  RangeError: NativeRangeError,
  Set: NativeSet,
  SharedArrayBuffer: NativeSharedArrayBuffer,
  String: NativeString,
  Symbol: NativeSymbol,
  SyntaxError: NativeSyntaxError,
  Uint8Array: NativeUint8Array,
  Uint16Array: NativeUint16Array,
  Uint32Array: NativeUint32Array,
  URL: NativeURL,
  WeakMap: NativeWeakMap,
  WeakRef: NativeWeakRef,
  WeakSet: NativeWeakSet,
} = globalThis;
/** Those in which the agent puts its wrappers. */
export const { Atomics: NativeAtomics, Intl: NativeIntl, JSON: NativeJSON } = globalThis;
