import { EVENT_WORDS } from '../src/protocol/async-trace.ts';
import { NativeInt32Array, NativeSharedArrayBuffer } from './primordials.ts';

/** The memory through which an observed thread passes its operations to the watchdog during a capture. */
export interface TraceMemory {
  /** Number of the capture: events of an older one are not taken for it. */
  id: number;
  control: Int32Array;
  /** A ring of `RING_EVENTS` events, as src/protocol/async-trace.ts has them. */
  events: Int32Array;
  /** When the capture began, by the clock of the recordings. */
  startMonotonicMs: number;
}

export const TraceWord = {
  /** Events written in total: the next one goes to this place, modulo the ring's length. */
  Head: 0,
  /** Events that were read. */
  Tail: 1,
  Dropped: 2,
  /** When the capture was full, in ms since its start; 0: it is not. */
  FullMs: 3,
  /** 1: the hooks are gone. */
  Off: 4,
  Length: 8,
} as const;

/** The watchdog reads every 20 ms; a storm of promises makes some 3 million events a second. */
export const RING_EVENTS = 1 << 17;
export const RING_WORDS = RING_EVENTS * EVENT_WORDS;
/** Per capture, 40 MB: some seconds of a busy server. */
export const MAX_CAPTURE_EVENTS = 2_000_000;

export function createTraceMemory(id: number, startMonotonicMs: number): TraceMemory {
  return {
    id,
    startMonotonicMs,
    control: new NativeInt32Array(new NativeSharedArrayBuffer(TraceWord.Length * 4)),
    events: new NativeInt32Array(new NativeSharedArrayBuffer(RING_WORDS * 4)),
  };
}
