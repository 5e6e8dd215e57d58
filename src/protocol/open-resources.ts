import type { RawFrame } from '../recording/source-maps.ts';

/** Timers with the same function, delay and kind. */
export interface RawTimers {
  count: number;
  /** The callback and where it begins; the place is missing for built-ins, and if there are very many timers. */
  callback: RawFrame;
  delayMs: number;
  /** Since the oldest was started or fired last. */
  oldestMs: number;
  repeats: boolean;
  /** False: does not keep the process alive. */
  ref: boolean;
}

/** Open handles or requests of the same kind and address. All keep the process alive. */
export interface OpenHandles {
  count: number;
  /** Node's name of the class. */
  type: string;
  /** Address, path, descriptor or process id; '' if there is none. */
  detail: string;
}

/** An address to which connections fail again and again. */
export interface FailedConnections {
  /** "host:port", a path, or a name that is not found. */
  address: string;
  /** Node's: ECONNREFUSED, ETIMEDOUT, ENOTFOUND, … */
  code: string;
  count: number;
  /** Since the first of them, and since the last. */
  firstAgoMs: number;
  lastAgoMs: number;
}

/** What else a thread has open. */
export interface OpenResources {
  timers: RawTimers[];
  handles: OpenHandles[];
  failedConnections: FailedConnections[];
  /** Distinct ones beyond the limit. */
  more: number;
  /** Why the timers could not be read. */
  problem?: string;
}
