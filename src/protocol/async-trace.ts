/**
 * Single asynchronous operations as they were followed for some seconds: what the agent writes on the observed thread,
 * what crosses its socket, and what `evdiag trace PID` draws.
 */
import type { Frame } from '../recording/types.ts';

/**
 * An event is five 32-bit words: kind and type (`kind | type << 4`), id, other id, site, time. Ids are Node's async ids
 * (their low 32 bits), or numbers of promises, depending on the kind.
 */
export const EVENT_WORDS = 5;
export const KIND_BITS = 4;
/** Times are quarters of a µs since the capture began. */
export const TICKS_PER_US = 4;
/** 32 bits hold nine minutes of them. */
export const MAX_CAPTURE_MS = 300_000;

export const EventKind = {
  /** A resource is made; the other id is that of its trigger. */
  Init: 0,
  /** A callback begins and ends. The type is given if the resource was made before the capture began. */
  Before: 1,
  After: 2,
  Destroy: 3,
  /** A promise is made; the type is 1 if it was derived from another, whose number is the other id (0: not known). */
  PromiseInit: 4,
  /** A reaction, or the code behind an `await`, begins and ends. The type is 1 if the promise was made before the capture. */
  PromiseBefore: 5,
  PromiseAfter: 6,
  /** Of promises that were not derived from another one that is followed. */
  Settled: 7,
  /** A collection of garbage: its type is Node's `kind`, its id how long it took, in the unit of times. */
  Collection: 8,
  /** So many events (the id) were lost here because they were not read in time. */
  Lost: 9,
  /** The callback of that id is the agent's own. */
  Own: 10,
} as const;

/** Parameters of the method `async-trace`. */
export interface AsyncTraceRequest {
  durationMs: number;
}

/** Of each thread: the events in pieces, the places, then a summary. `threadId` 0 is the main thread. */
export type AsyncTracePart =
  /** Little-endian words, base64. */
  | { part: 'events'; threadId: number; data: string }
  /** In the order of the events' site, which counts from 1; innermost frame first. */
  | { part: 'sites'; threadId: number; sites: Frame[][] }
  | ({ part: 'traced' } & TracedThread)
  | { part: 'failed'; threadId: number; problem: string };

export interface TracedThread {
  threadId: number;
  /** Of the monotonic clock, as in a recording's header. */
  startMonotonicMs: number;
  spanMs: number;
  /** Names of the types, by their number. */
  types: string[];
  /** Events that were not read in time. */
  dropped: number;
  /** When the capture was full, in ms since the start; null if it never was. */
  fullMs: number | null;
}

/** All that was captured of one thread. */
export interface CapturedThread extends TracedThread {
  events: Int32Array;
  sites: Frame[][];
}
