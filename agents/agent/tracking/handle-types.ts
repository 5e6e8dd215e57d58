/**
 * Node's names of async resources, by what is done with them.
 *
 * Without regular expressions, as everything that a hook runs: V8 compiles one when it is used, some time later once more, and again after it has been thrown away, and
 * ends the process if the stack is nearly full then ("RegExpCompiler Allocation failed").
 */
import { NativeSet } from '../../primordials.ts';

/** Not things that stay: they end with the turn of the loop, or represent running code. */
export const PASSING = new NativeSet([
  'Immediate',
  'Microtask',
  'PROMISE',
  'PerformanceObserver',
  'RANDOMBYTESREQUEST',
  'TickObject',
]);
const WRITES = new NativeSet(['WRITEWRAP', 'SHUTDOWNWRAP', 'TCPCONNECTWRAP', 'PIPECONNECTWRAP', 'UDPSENDWRAP']);

/** Made in thousands, and gone with their answer. Sampled separately, like timers: things that stay open are rarer. */
export const isRequest = (type: string): boolean =>
  type.startsWith('FSREQ') ||
  type.startsWith('HTTP') ||
  type.endsWith('REQ') ||
  type.endsWith('REQWRAP') ||
  WRITES.has(type);
/** Done by Node before it makes what was asked for: looking up a name, trying one address after another. */
export const STEPS = new NativeSet(['GETADDRINFOREQWRAP', 'QUERYWRAP', 'TCPCONNECTWRAP', 'PIPECONNECTWRAP']);
/** Made by Node for a connection or a request from outside: no code of the application is on the stack. */
export const FROM_OUTSIDE = new NativeSet(['TCPWRAP', 'PIPEWRAP', 'HTTPINCOMINGMESSAGE', 'TLSWRAP']);

/** A client's connections. */
export const CONNECTIONS = new NativeSet(['TCPWRAP', 'PIPEWRAP', 'TLSWRAP']);
