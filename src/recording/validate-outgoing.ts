/** What rows of outgoing requests must look like. */
import { arrayOf, type Check, number, object, optional, orNull, string } from '../util/shapes.ts';
import type { ConnectionsEntry, LookupsEntry, UpstreamsEntry } from './types.ts';
import { LOCATION, location } from './validate-unfinished.ts';

const callers = arrayOf(object(LOCATION));

const CONNECTIONS: { [K in keyof Required<ConnectionsEntry>]: Check } = {
  origin: string,
  location,
  callers,
  package: optional(string),
  requests: number,
  opened: number,
  avoidable: number,
  reasons: object({ client: number, off: number, close: number }),
  spanMs: number,
  connectMs: orNull(number),
  requestMs: orNull(number),
};
const LOOKUPS: { [K in keyof LookupsEntry]: Check } = {
  name: string,
  api: string,
  location,
  callers,
  count: number,
  repeated: number,
  totalMs: number,
  maxMs: number,
  spanMs: number,
};
const UPSTREAMS: { [K in keyof UpstreamsEntry]: Check } = {
  origin: string,
  operation: string,
  location,
  callers,
  answers: number,
  medianMs: number,
};

export const connections = { trackedMs: number, entries: arrayOf(object(CONNECTIONS)) };
export const lookups = { trackedMs: number, entries: arrayOf(object(LOOKUPS)) };
export const upstreams = { trackedMs: number, seenMs: number, entries: arrayOf(object(UPSTREAMS)) };
