/** Node's names of async resources, by what is done with them. */
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
/** Made in thousands, and gone with their answer. Sampled separately, like timers: things that stay open are rarer. */
export const REQUESTS = /^FSREQ|REQ$|REQWRAP$|^(WRITE|SHUTDOWN|TCPCONNECT|PIPECONNECT|UDPSEND)WRAP$|^HTTP/;
/** Done by Node before it makes what was asked for: looking up a name, trying one address after another. */
export const STEPS = /^(GETADDRINFOREQ|QUERY|TCPCONNECT|PIPECONNECT)WRAP$/;
/** Made by Node for a connection or a request from outside: no code of the application is on the stack. */
export const FROM_OUTSIDE = new NativeSet(['TCPWRAP', 'PIPEWRAP', 'HTTPINCOMINGMESSAGE', 'TLSWRAP']);

/** A client's connections. */
export const CONNECTIONS = new NativeSet(['TCPWRAP', 'PIPEWRAP', 'TLSWRAP']);
