/** What a thread asks of others: connections, names and answers. */
import type { RowBase } from './header.ts';
import type { Location } from './places.ts';

/** What one line asks of one origin. Counts are since tracking began; where the line of some is not known, they are divided among the lines of the origin. */
export interface ConnectionsEntry {
  /** "https://host:port" */
  origin: string;
  location: Location | null;
  callers: Location[];
  /** The package that makes the requests for the program, if one does. */
  package?: string;
  requests: number;
  /** Requests for which a connection was opened. */
  opened: number;
  /** Of these, how many could have used one that was idle, had it been kept. */
  avoidable: number;
  /** Why it was not kept: a new client or agent, one that keeps none, or a request that asks to close it. */
  reasons: { client: number; off: number; close: number };
  /** From the first of the avoidable ones to the last. */
  spanMs: number;
  /** Until a connection was there, with its handshakes and the name's look-up, on average; null if none was timed. */
  connectMs: number | null;
  /** Until an answer began, on average. */
  requestMs: number | null;
}

/** Connections that were opened though they could have been kept (format 1.7). */
export interface ConnectionsRow extends RowBase {
  type: 'connections';
  trackedMs: number;
  entries: ConnectionsEntry[];
}

/** A name that was looked up, counted since tracking began. */
export interface LookupsEntry {
  name: string;
  /** `lookup`, on the thread pool, or Node's name of a query, which is not: `queryA`. */
  api: string;
  location: Location | null;
  callers: Location[];
  count: number;
  /** Of these, begun while an answer of the last minute was known. */
  repeated: number;
  totalMs: number;
  maxMs: number;
  spanMs: number;
}

/** Names that were looked up again (format 1.7). */
export interface LookupsRow extends RowBase {
  type: 'lookups';
  trackedMs: number;
  entries: LookupsEntry[];
}

/** What one origin is asked for, by method and path. */
export interface UpstreamsEntry {
  /** "https://host:port" */
  origin: string;
  /** Method and path without query, what looks like an id folded: "GET /orders/:id". */
  operation: string;
  /** Where it was asked last, if that is known. */
  location: Location | null;
  callers: Location[];
  /** Since the row before. */
  answers: number;
  /** From when the request had a connection until its answer began. */
  medianMs: number;
}

/** How long others take to answer: those that were asked most since the row before (format 1.7). */
export interface UpstreamsRow extends RowBase {
  type: 'upstreams';
  trackedMs: number;
  /** Of the time since the row before, how much was followed. */
  seenMs: number;
  entries: UpstreamsEntry[];
}
