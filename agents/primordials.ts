import type { Json } from '../src/protocol/thread-api.ts';

/**
 * Built-ins as they were before the application could replace them (fake timers, mocks, lockdown): what runs in the
 * observed thread after the preload uses these.
 */
export const { add, exchange, load, notify, store, wait } = Atomics;
export const { stringify } = JSON;
/** The same, for what keeps the type of the value. */
export const toJson = stringify as <Value>(value: Value) => Json<Value>;
export const { floor, log, max, min } = Math;
/** Milliseconds of the monotonic clock since the process began. */
export const monotonicMs = performance.now.bind(performance);
/** Milliseconds since 1970. */
export const wallMs = Date.now;
