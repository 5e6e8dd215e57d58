/** What rows of unfinished work must look like, and the places in them. */

import { arrayOf, boolean, type Check, number, object, oneOf, optional, orNull, string } from '../util/shapes.ts';
import {
  type AskedCounts,
  type HttpPool,
  INDEPENDENT_KINDS,
  type Independent,
  type Leftover,
  type NestedAsk,
  POOL_STATES,
  type RowOf,
  type RowType,
  type SerialEntry,
  type SerialStep,
  UNFINISHED,
  type UnfinishedEntry,
  type WaitingGroup,
  WORK_KINDS,
} from './types.ts';

/** Fields that came with a later minor version are optional. */
export const LOCATION = { file: string, line: number, column: number, function: string, start: optional(string) };
export const location = orNull(object(LOCATION));
export const isFrame = object({
  ...LOCATION,
  category: oneOf('application', 'dependency', 'node', 'native'),
  awaits: optional(oneOf(true)),
});

const locations = arrayOf(object(LOCATION));
const strings = arrayOf(string);
export const WORK = { kind: oneOf(...WORK_KINDS), name: string };
const ENTRY: { [K in keyof Required<UnfinishedEntry>]: Check } = {
  what: oneOf(...UNFINISHED),
  type: string,
  detail: string,
  via: strings,
  location,
  callers: locations,
  resumed: orNull(boolean),
  created: number,
  ended: number,
  lost: number,
  alive: number,
  followed: optional(number),
  peak: number,
  referenced: number,
  oldestMs: number,
  endedMaxMs: orNull(number),
  endedSinceOldest: number,
  endedLeastMs: optional(orNull(number)),
  usualMs: optional(orNull(number)),
  slowMs: optional(orNull(number)),
  floating: number,
  rejected: number,
  package: optional(string),
  pinned: optional(number),
  callee: optional(object(LOCATION)),
  onOne: optional(number),
  madeBy: orNull(object({ what: string, type: string, via: strings, location })),
  work: optional(arrayOf(object(WORK))),
  code: optional(string),
  before: optional(strings),
  loop: optional(boolean),
};
const LEFTOVER: { [K in keyof Required<Leftover>]: Check } = {
  type: string,
  via: strings,
  location,
  callers: locations,
  referenced: boolean,
  ageMs: number,
  linked: optional(boolean),
};
const leftover = object(LEFTOVER);

const WAITING: { [K in keyof WaitingGroup]-?: Check } = {
  count: number,
  estimated: optional(oneOf(true)),
  oldestMs: number,
  chain: arrayOf(number),
  made: orNull(object({ what: string, type: string, via: arrayOf(string), at: location })),
};

const POOL: { [K in keyof Required<HttpPool>]: Check } = {
  name: string,
  max: number,
  taken: number,
  waiting: number,
  waited: optional(object({ count: number, ms: number })),
  package: optional(string),
  queued: optional(object({ location, callers: locations })),
  held: arrayOf(object({ ms: number, state: oneOf(...POOL_STATES), location, callers: locations })),
};

const ASKED: { [K in keyof AskedCounts]: Check } = {
  created: number,
  ended: number,
  followed: number,
  oldestMs: number,
  usualMs: number,
};
const NESTED: { [K in keyof NestedAsk]: Check } = {
  limit: object(LOCATION),
  holder: object(LOCATION),
  inner: object(LOCATION),
  outer: locations,
  within: object(ASKED),
  others: object(ASKED),
};

type Checks<T extends RowType> = { [K in Exclude<keyof RowOf<T>, 't' | 'type'>]: Check };

export const aborted: Checks<'aborted'> = {
  sinceMs: number,
  abortedAt: location,
  scope: location,
  leftovers: arrayOf(leftover),
};

export const orphans: Checks<'orphans'> = {
  location,
  callers: locations,
  total: number,
  pending: number,
  stillPending: number,
  ranOnMs: number,
};

export const unfinished: Checks<'unfinished'> = {
  intervalMs: number,
  trackedMs: number,
  promises: number,
  seenShare: optional(number),
  pauses: optional(number),
  aborts: number,
  inbound: number,
  unanswered: optional(number),
  unread: optional(number),
  dropped: number,
  entries: arrayOf(object(ENTRY)),
  nested: optional(arrayOf(object(NESTED))),
};

export const suspended: Checks<'suspended'> = { entries: arrayOf(object(ENTRY)) };

export const waits: Checks<'waits'> = {
  trackedMs: number,
  frames: arrayOf(isFrame),
  codes: arrayOf(string),
  groups: arrayOf(object(WAITING)),
  pools: arrayOf(object(POOL)),
};

const STEP: { [K in keyof SerialStep]: Check } = {
  location: object(LOCATION),
  code: string,
  count: number,
  waitedMs: number,
  pauses: number,
  longest: object({ count: number, waitedMs: number, maxMs: number }),
};
const INDEPENDENT: { [K in keyof Required<Independent>]: Check } = {
  kind: oneOf(...INDEPENDENT_KINDS),
  steps: arrayOf(number),
  shared: optional(oneOf(true)),
};
const SERIAL: { [K in keyof SerialEntry]: Check } = {
  location: object(LOCATION),
  callers: locations,
  runs: number,
  atOnce: number,
  steps: arrayOf(object(STEP)),
  independent: arrayOf(object(INDEPENDENT)),
};

export const serial: Checks<'serial'> = { trackedMs: number, entries: arrayOf(object(SERIAL)) };
