import type { FileUse, MessageUse, StreamUse } from '../src/recording/rows/transfers.ts';
import type { Work } from '../src/recording/rows/work.ts';
import type { RawFrame } from './shared-memory.ts';

/** What the tracking of an observed thread reports to the watchdog, with frames of the generated code. */
export interface RawTracked {
  rejections: RawRejection[];
  unfinished: {
    /** Found in the heap, and not followed from its beginning. */
    fromHeap?: true;
    intervalMs: number;
    trackedMs: number;
    promises: number;
    seenShare: number;
    pauses: number;
    aborts: number;
    inbound: number;
    /** Requests from outside without an answer, and those of them whose body nobody reads; only where many are open. */
    unanswered?: number;
    unread?: number;
    dropped: number;
    sites: RawSite[];
    /** Of each site that is reported for the first time. */
    frames: [id: number, frames: RawFrame[]][];
    aborted: RawAborted[];
    orphans: RawOrphans[];
    waiting: RawWaiting[];
    pools: RawPool[];
    serial?: RawSerial[];
    origins?: RawOrigin[];
    lookups?: RawLookup[];
    upstreams?: { seenMs: number; upstreams: RawUpstream[] };
  } | null;
}

/** A use at one place, with frames of the generated code. */
type Raw<Use> = Omit<Use, 'location' | 'callers'> & { frames: RawFrame[] };
export type RawFileUse = Raw<FileUse>;
export type RawStreamUse = Raw<StreamUse>;
export type RawMessageUse = Raw<MessageUse>;

/** What an observed thread read, wrote and sent. */
export interface RawTransfers {
  intervalMs: number;
  files: RawFileUse[];
  flushes: number;
  streams: RawStreamUse[];
  messages: RawMessageUse[];
}

/** What a sensor of the observed thread cost; `calls` is 0 if the clock measures everything. */
export interface SensorCost {
  sensor: string;
  calls: number;
  ms: number;
}

export interface RawSite {
  id: number;
  what: 'await' | 'call' | 'reaction' | 'promise' | 'handle' | 'listener';
  type: string;
  detail: string;
  created: number;
  ended: number;
  lost: number;
  alive: number;
  followed: number;
  peak: number;
  endedMaxMs: number | null;
  endedLeastMs: number | null;
  usualMs: number | null;
  slowMs: number | null;
  endedSinceOldest: number;
  floating: number;
  rejected: number;
  onOne: number;
  referenced: number;
  oldestMs: number;
  madeBy: { id: number; what: string; type: string } | null;
  /** handle: that hold a store of an AsyncLocalStorage. */
  pinned?: number;
  /** The requests and jobs that started some of them. */
  work?: Work[];
  /** call: the function that is called; reported once. */
  callee?: RawFrame;
}

/** Calls that have waited for long in one chain of awaits. */
export interface RawWaiting {
  count: number;
  /** Some were followed or asked, and stand for the others. */
  estimated?: true;
  oldestMs: number;
  /** Innermost first. */
  frames: RawFrame[];
  /** What made the promise that the innermost awaits, if that was followed. */
  made: { what: string; type: string; frames: RawFrame[] } | null;
}

/** A function of which each call awaits one thing after another; counts since tracking began. */
export interface RawSerial {
  id: number;
  runs: number;
  atOnce: number;
  /** Its own and those that called it. */
  frames: RawFrame[];
  steps: {
    frame: RawFrame;
    count: number;
    waitedMs: number;
    /** Timers below this line that ran to their end. */
    pauses: number;
    longest: { count: number; waitedMs: number; maxMs: number };
  }[];
}

/** What one line asks of one origin, and the connections that were opened for it. Counts since tracking began. */
export interface RawOrigin {
  id: number;
  origin: string;
  frames: RawFrame[];
  requests: number;
  opened: number;
  /** Of those opened: one that was idle could have been used. */
  avoidable: number;
  reasons: { client: number; off: number; close: number };
  /** From the first of these to the last. */
  spanMs: number;
  connectMs: number | null;
  requestMs: number | null;
}

/** What one origin is asked for, since the last report. */
export interface RawUpstream {
  origin: string;
  /** "GET /orders/:id" */
  operation: string;
  /** Where it is asked, if that is known. */
  frames: RawFrame[];
  answers: number;
  /** Until an answer began. */
  medianMs: number;
}

/** A name that was looked up, counted since tracking began. */
export interface RawLookup {
  name: string;
  /** `lookup`, or Node's name of a query. */
  api: string;
  frames: RawFrame[];
  count: number;
  /** Of these, begun when an answer of the last minute was known. */
  repeated: number;
  totalMs: number;
  maxMs: number;
  spanMs: number;
}

/** An address for which all connections of an http.Agent or of undici are taken: `HttpPool` of the rows. */
export interface RawPool {
  name: string;
  max: number;
  taken: number;
  waiting: number;
  /** Requests that were seen in the queue and have begun since the last call, and how long they waited from then on. */
  waited: { count: number; ms: number };
  /** Where one that waits was made. */
  queued: RawFrame[];
  /** Since when a request was seen to have one, and where it was made. */
  held: { ms: number; state: 'unread' | 'unanswered' | 'read'; frames: RawFrame[] }[];
}

export interface RawLeftover {
  type: string;
  frames: RawFrame[];
  referenced: boolean;
  ageMs: number;
  /** Made by a function that had used the signal. */
  linked: boolean;
}

export interface RawAborted {
  sinceMs: number;
  abortedAt: RawFrame[] | null;
  scope: RawFrame[];
  leftovers: RawLeftover[];
}

export interface RawOrphans {
  frames: RawFrame[];
  total: number;
  pending: number;
  stillPending: number;
  ranOnMs: number;
}

export interface RawRejection {
  kind: 'swallowed' | 'fatal' | 'late';
  count: number;
  error: string;
  /** The error's own `stack`, as text. */
  stack: string;
  /** The site of the call that nobody awaited, if it was followed. */
  call: RawFrame[] | null;
}
