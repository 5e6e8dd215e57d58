/**
 * What each answer of the agent must look like, field by field: an older agent, or something else, may listen on the socket. The shapes
 * are those of the files beside this one.
 */
import { basename, dirname } from 'node:path';
import type { Frame } from '../recording/types.ts';
import { isFrame, isHeader } from '../recording/validate.ts';
import {
  any,
  arrayOf,
  boolean,
  type Check,
  type Fields,
  number,
  object,
  oneOf,
  optional,
  orNull,
  string,
  tagged,
  whole,
} from '../util/shapes.ts';
import type { HandleSite, Timers } from './dump-parts.ts';
import type { Hello } from './hello.ts';
import type { Inventory } from './inventory.ts';
import type { MethodName, PartOf, ResultOf } from './methods.ts';
import type { FailedConnections, OpenHandles } from './open-resources.ts';
import type { TextPart, V8CpuProfile } from './profile-parts.ts';
import { ALIVE_KINDS, type AliveThings } from './why-parts.ts';

const strings = arrayOf(string);
const frames = arrayOf(isFrame);
const problem = orNull(string);
const threadId = whole;

/** A check for each field, also of those that may be missing. */
type Checks<T> = { [Field in keyof T]-?: Check };
/** For each kind of part. */
type PartChecks<Part extends { part: string }> = {
  [Kind in Part['part']]: Checks<Omit<Extract<Part, { part: Kind }>, 'part'>>;
};
type MethodWithParts = { [Name in MethodName]: [PartOf<Name>] extends [never] ? never : Name }[MethodName];

const HELLO: Checks<Hello> = {
  protocol: number,
  pid: whole,
  family: string,
  argv: strings,
  evdiagVersion: string,
  nodeVersion: string,
  level: oneOf('watch', 'diagnose'),
  uptimeMs: number,
  threads: arrayOf(whole),
  // The numbers of a process and of a time: nothing else is removed by that.
  files: optional(object({ folders: strings, prefix: (value) => string(value) && /^\d+-\d+-$/.test(value as string) })),
};

const TIMERS: Checks<Timers> = {
  count: number,
  callback: isFrame,
  delayMs: number,
  oldestMs: number,
  repeats: boolean,
  ref: boolean,
};
const HANDLES: Checks<OpenHandles> = { count: number, type: string, detail: string };
const FAILED: Checks<FailedConnections> = {
  address: string,
  code: string,
  count: number,
  firstAgoMs: number,
  lastAgoMs: number,
};
const HANDLE_SITE: Checks<HandleSite> = {
  count: number,
  type: string,
  ageMs: number,
  ref: boolean,
  place: orNull(isFrame),
};
const STATE = oneOf('idle', 'running', 'no-answer', 'ended');
const ALIVE: Checks<AliveThings<Frame>> = {
  kind: oneOf(...ALIVE_KINDS),
  what: string,
  count: number,
  ageMs: orNull(number),
  made: frames,
  steps: arrayOf(frames),
  calls: arrayOf(object({ event: string, place: isFrame })),
};
const FIGURES: Checks<Omit<Inventory, 'frames' | 'groups'>> = {
  promises: number,
  probed: number,
  failed: number,
  beyond: number,
  pauseMs: number,
  workMs: number,
};
const profile: Checks<Omit<TextPart, 'part'>> = { threadId, text: string };

/** The compiler requires every method, kind of part and field. */
const PARTS: { [Name in MethodWithParts]: PartChecks<PartOf<Name>> } = {
  'allocation-profile': { profile, profiled: { threadId, problem } },
  'async-trace': {
    events: { threadId, data: string },
    sites: { threadId, sites: arrayOf(frames) },
    traced: {
      threadId,
      startMonotonicMs: number,
      spanMs: number,
      types: strings,
      dropped: number,
      fullMs: orNull(number),
    },
    failed: { threadId, problem: string },
  },
  'cpu-profile': {
    profile,
    profiled: { threadId, intervalUs: number, warmCode: boolean, apart: boolean, agentFile: string, problem },
  },
  dump: {
    progress: { threadId, doing: oneOf('stack', 'calls', 'heap') },
    thread: {
      threadId,
      state: STATE,
      stack: frames,
      syncCall: orNull(object({ name: string, stack: frames })),
      timers: arrayOf(object({ ...TIMERS })),
      handles: arrayOf(object({ ...HANDLES })),
      failedConnections: optional(arrayOf(object({ ...FAILED }))),
      unlisted: optional(string),
      more: number,
      handleSites: arrayOf(object({ ...HANDLE_SITE })),
      problem,
    },
    frames: { threadId, frames },
    groups: { threadId, groups: arrayOf(object({ count: number, frames: arrayOf(whole) })) },
    inventory: {
      threadId,
      figures: orNull(object({ ...FIGURES })),
      files: orNull(object({ snapshot: string, index: string })),
      problem,
    },
  },
  'loaded-maps': { map: { url: string, text: string } },
  'recent-profile': { profile, profiled: { threadId, intervalUs: number, problem } },
  watch: {
    thread: { header: isHeader, folder: orNull(string) },
    // Rows of an unknown type are skipped, as in a file.
    rows: { threadId, rows: arrayOf(any) },
  },
  why: {
    thread: {
      threadId,
      state: STATE,
      stack: frames,
      things: arrayOf(object({ ...ALIVE })),
      more: number,
      followed: boolean,
      problem,
    },
  },
};

/** A method that reports nothing at its end may send anything. */
const RESULTS: { [Name in MethodName]: [ResultOf<Name>] extends [never] ? Fields : Checks<ResultOf<Name>> } = {
  'allocation-profile': {},
  'async-trace': {},
  'cpu-profile': {},
  dump: {},
  'end-async-trace': {},
  'end-cpu-profile': {},
  estimate: {
    threads: arrayOf(object({ threadId: whole, heapBytes: orNull(number) })),
    availableBytes: number,
  },
  hello: HELLO,
  leave: { blocked: arrayOf(whole), recording: orNull(string), stays: boolean },
  'loaded-maps': {},
  'recent-profile': {},
  'set-level': {},
  snapshot: { file: string, takenAtMs: number, pauseMs: number, threadId: optional(whole) },
  watch: {},
  why: {},
};

/** Whether a part of an answer to that method has the required shape; a method without parts has none. */
export function isPart<Name extends MethodName>(method: Name, value: unknown): value is PartOf<Name> {
  const shapes: Record<string, Record<string, Fields>> = PARTS;
  return Object.hasOwn(shapes, method) && tagged('part', shapes[method]!)(value);
}

/** Whether the end of an answer has the required shape. */
export function isResult<Name extends MethodName>(method: Name, value: unknown): value is ResultOf<Name> {
  const fields: Fields = RESULTS[method];
  return Object.keys(fields).length === 0 || object(fields)(value);
}

/** The first answer of an agent: its other fields may be those of another version of the protocol. */
export function isGreeting(value: unknown): value is Pick<Hello, 'protocol' | 'pid'> & { evdiagVersion?: unknown } {
  return object({ protocol: number, pid: whole })(value);
}

const isV8CpuProfile = object({
  nodes: arrayOf(
    object({
      id: whole,
      callFrame: object({
        functionName: string,
        scriptId: string,
        url: string,
        lineNumber: number,
        columnNumber: number,
      }),
      children: optional(arrayOf(whole)),
      positionTicks: optional(arrayOf(object({ line: number, ticks: number }))),
    }),
  ),
  startTime: number,
  endTime: number,
  samples: arrayOf(whole),
  timeDeltas: arrayOf(number),
});

/** V8's profile, which is sent as text. Throws if it is not one. */
export function cpuProfileOf(text: string): V8CpuProfile {
  const value: unknown = JSON.parse(text);
  if (!isV8CpuProfile(value)) throw new Error('This is no CPU profile.');
  return value as V8CpuProfile;
}

/** Whether the agent may have written that file: it will be removed or moved. */
export function isWritten(file: string, { files }: Hello): boolean {
  const name = basename(file);
  const isOurs = /\.(heapsnapshot|index)$/.test(name) && (files === undefined || name.startsWith(files.prefix));
  return isOurs && (files === undefined || files.folders.includes(dirname(file)));
}
