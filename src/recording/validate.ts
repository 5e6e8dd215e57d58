/** What the lines of a recording must look like, field by field. A new row type is a line in ROWS. */

import {
  arrayOf,
  boolean,
  type Check,
  isObject,
  number,
  numbers,
  object,
  oneOf,
  optional,
  orNull,
  string,
} from '../util/shapes.ts';
import {
  type AllocationSite,
  CHAIN_KINDS,
  type Header,
  REJECTION_KINDS,
  type Row,
  type RowOf,
  type RowType,
  STALL_KINDS,
  TRIGGER_REASONS,
} from './types.ts';
import { connections, lookups, upstreams } from './validate-outgoing.ts';
import { transfers } from './validate-transfers.ts';
import {
  aborted,
  isFrame,
  LOCATION,
  location,
  orphans,
  serial,
  suspended,
  unfinished,
  WORK,
  waits,
} from './validate-unfinished.ts';

export { isFrame, isObject };

const kind = oneOf(...STALL_KINDS);
const PRESSURE = {
  of: oneOf('container', 'machine'),
  cpuMs: orNull(number),
  ioMs: orNull(number),
  memoryMs: orNull(number),
};
const gcKind = oneOf('major', 'minor', 'incremental', 'weakcb');
const chain = oneOf(...CHAIN_KINDS);
const site = object({ count: number, location });
const stack = object({
  weightMs: number,
  count: optional(number),
  kind,
  frames: arrayOf(isFrame),
  location,
  marked: optional(oneOf(true)),
  late: optional(oneOf(true)),
});

const isBucket: Check = (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(number);
const sensors = arrayOf(object({ sensor: string, calls: number, ms: number }));
const SITE: { [K in keyof AllocationSite]: Check } = {
  location: object(LOCATION),
  line: orNull(object({ line: number, column: number, code: string })),
  aliveBytes: number,
  olderBytes: number,
  samples: number,
};

/** What each field of a header must be. */
const HEADER: { [K in Exclude<keyof Required<Header>, 'type' | 'format'>]: Check } = {
  t: number,
  major: number,
  minor: number,
  evdiagVersion: string,
  nodeVersion: string,
  v8Version: string,
  libuvVersion: string,
  pid: number,
  parentPid: number,
  threadId: number,
  argv: arrayOf(string),
  startedAt: string,
  startMonotonicMs: number,
  level: oneOf('watch', 'diagnose'),
  slowMs: number,
  samplers: arrayOf(string),
  platform: string,
  arch: string,
  cpuCount: number,
  containerCpus: orNull(number),
  containerMemoryBytes: orNull(number),
  threadPoolSize: optional(number),
};

/** What each field of a row must be: a line per row type; the compiler checks it against `types.ts`. */
const ROWS: { [T in RowType]: { [K in Exclude<keyof RowOf<T>, 't' | 'type'>]: Check } } = {
  aborted,
  'active-resources': { total: number, counts: numbers, waiting: optional(number) },
  'agent-cost': {
    intervalMs: number,
    mainThreadMs: number,
    watchdogMs: orNull(number),
    stacks: number,
    recordingBytes: number,
    budgetShare: optional(number),
    sensors: optional(sensors),
  },
  'agent-error': { message: string },
  allocations: {
    sinceMs: number,
    intervalBytes: number,
    aliveBytes: number,
    tookMs: number,
    sites: arrayOf(object(SITE)),
    file: orNull(string),
  },
  cpu: {
    intervalMs: number,
    userMs: number,
    systemMs: number,
    mainThreadMs: orNull(number),
    runQueueMs: orNull(number),
    throttledMs: optional(number),
    limitCpus: optional(number),
  },
  'deep-sample': {
    reasons: arrayOf(oneOf(...TRIGGER_REASONS)),
    startMs: number,
    durationMs: number,
    cpuMs: orNull(number),
    runQueueMs: orNull(number),
    samples: number,
    busySamples: number,
    framelessSamples: number,
    pairs: number,
    turnedPairs: number,
    pairMs: number,
    stacks: arrayOf(object({ count: number, frames: arrayOf(isFrame), caller: chain })),
    deepest: orNull(object({ frames: number, repeated: number, location: object(LOCATION), awaits: boolean })),
    created: orNull(
      object({
        wallMs: number,
        cpuMs: number,
        promises: number,
        resources: arrayOf(object({ type: string, count: number, sites: arrayOf(site) })),
      }),
    ),
    shortIntervals: arrayOf(object(LOCATION)),
    programHooks: optional(
      object({
        storages: number,
        storageSites: arrayOf(site),
        hooks: arrayOf(object({ callbacks: arrayOf(string), promises: boolean, location, package: optional(string) })),
      }),
    ),
    allocations: orNull(arrayOf(object({ bytes: number, location: object(LOCATION) }))),
    waiting: orNull(number),
  },
  dropped: { rows: number, why: string },
  signal: { signal: string },
  end: { reason: oneOf('exit', 'signal', 'detached'), exitCode: orNull(number), signal: orNull(string) },
  'event-loop-delay': {
    count: number,
    meanMs: number,
    p50Ms: number,
    p90Ms: number,
    p99Ms: number,
    maxMs: number,
    heartbeatMaxMs: number,
  },
  'event-loop-utilization': { utilization: number, activeMs: number, idleMs: number },
  gc: {
    count: number,
    totalMs: number,
    maxMs: number,
    majorCount: number,
    majorMs: number,
    observedMs: optional(number),
    afterMajor: optional(object({ oldBytes: number, externalBytes: number })),
    byKind: optional(arrayOf(object({ kind: gcKind, totalMs: number, counts: arrayOf(number) }))),
  },
  level: { level: oneOf('watch', 'diagnose') },
  'loop-turns': { intervalMs: number, turns: number, events: number },
  memory: {
    rssBytes: number,
    heapUsedBytes: number,
    heapTotalBytes: number,
    heapLimitBytes: number,
    oldLimitBytes: optional(number),
    externalBytes: number,
    arrayBuffersBytes: number,
    spaces: numbers,
  },
  orphans,
  rejection: { kind: oneOf(...REJECTION_KINDS), count: number, error: string, location, call: location },
  stall: {
    id: number,
    startMs: number,
    durationMs: number,
    kind,
    location,
    stacks: arrayOf(stack),
    cpuMs: orNull(number),
    runQueueMs: orNull(number),
    throttledMs: optional(number),
    limitCpus: optional(number),
    sleptMs: optional(number),
    lockedMs: optional(number),
    diskMs: optional(number),
    kernelMs: optional(number),
    majorFaults: optional(number),
    pressure: optional(object(PRESSURE)),
    gcMs: number,
    startup: boolean,
    debugger: boolean,
    own: optional(oneOf(true)),
    waiting: orNull(number),
    chain: optional(orNull(chain)),
    work: optional(object(WORK)),
    waited: optional(arrayOf(object({ ...WORK, count: number }))),
    confidence: number,
  },
  'stall-open': {
    id: number,
    startMs: number,
    durationMs: number,
    kind: orNull(kind),
    location,
    chain: optional(orNull(chain)),
    waiting: optional(orNull(number)),
    cpuMs: optional(orNull(number)),
    runQueueMs: optional(orNull(number)),
    sleptMs: optional(number),
    lockedMs: optional(number),
  },
  threads: { started: number, ended: number, alive: number, unobserved: number },
  transfers,
  trigger: { reason: oneOf(...TRIGGER_REASONS), value: number, limit: number, deepSample: boolean },
  connections,
  lookups,
  serial,
  suspended,
  unfinished,
  upstreams,
  waits,
  work: {
    intervalMs: number,
    seenShare: number,
    entries: arrayOf(
      object({ ...WORK, count: number, failed: number, aborted: number, maxMs: number, durations: arrayOf(isBucket) }),
    ),
  },
};

export function isRow(value: unknown): value is Row {
  if (!isObject(value) || !number(value.t)) return false;
  const type = value.type;
  if (typeof type !== 'string' || !Object.hasOwn(ROWS, type)) return false;
  return object(ROWS[type as RowType])(value);
}

/** The header of a recording that this version reads. */
export const isHeader: Check = (value) =>
  isObject(value) && value.type === 'header' && wrongHeaderField(value) === null;

/** The first field of a header that is missing or wrong; null if all are right. */
export function wrongHeaderField(header: Record<string, unknown>): string | null {
  return Object.entries(HEADER).find(([field, check]) => !check(header[field]))?.[0] ?? null;
}
