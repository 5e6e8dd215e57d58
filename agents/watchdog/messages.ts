import { isRow } from '../../src/recording/validate.ts';
import { createSharedBeats } from '../shared-beats.ts';
import { createSharedMemory } from '../shared-memory.ts';
import { RING_WORDS, type TraceMemory, TraceWord } from '../shared-trace.ts';
import type { SensorCost } from '../tracked.ts';
import type { Message, Messages, SampleMessage, ThreadData } from './types.ts';

type Check = (value: unknown) => boolean;
/** A check for each field, which is never left out. */
type Checks<T> = { [Name in keyof T]-?: Check };

const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
/** The main thread, 0, does not use the channel; its folder would be overwritten. */
const isWorker: Check = (value) => isCount(value) && value !== 0;
const isNumber: Check = (value) => Number.isFinite(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const fits =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    const fields = (value ?? {}) as Record<string, unknown>;
    return Object.entries(checks).every(([name, check]) => check(fields[name]));
  };

const TRACE: Checks<TraceMemory> = {
  id: isCount,
  startMonotonicMs: isNumber,
  control: areWords(TraceWord.Length),
  events: areWords(RING_WORDS),
};

const SENSOR: Checks<SensorCost> = {
  sensor: (sensor) => typeof sensor === 'string',
  calls: isNumber,
  ms: isNumber,
};

const SAMPLE: Checks<SampleMessage> = {
  rows: (rows) => Array.isArray(rows) && rows.every((row) => isRow({ ...row, t: 0 })),
  tracked: (tracked) => typeof tracked === 'object',
  transfers: optional((transfers) => typeof transfers === 'object' && transfers !== null),
  sensors: optional((sensors) => Array.isArray(sensors) && sensors.every(fits(SENSOR))),
  mainThreadMs: isNumber,
  trace: optional(fits(TRACE)),
  maps: optional(areTexts),
  addOnCalls: optional(arePairs),
  heapMs: optional(isNumber),
  last: optional((last) => last === true),
  dropped: optional(isCount),
};

const THREAD: Checks<ThreadData> = {
  threadId: isWorker,
  nativeId: (id) => id === null || Number.isInteger(id),
  shared: isLike({ ...createSharedMemory() }),
  beats: isLike({ ...createSharedBeats() }),
  startMonotonicMs: isNumber,
  startedAtMs: isNumber,
  gated: (gated) => typeof gated === 'boolean',
};

const MESSAGES: { [Type in keyof Messages]: Checks<Messages[Type]> } = {
  thread: { thread: fits(THREAD) },
  sample: { threadId: isCount, sample: fits(SAMPLE) },
  'thread-gone': { threadId: isCount },
  level: { level: (level) => level === 'watch' || level === 'diagnose' },
};

/** Anything in the process may post on the channel: messages that are not ours are ignored. */
export function isMessage(message: unknown): message is Message {
  const type = (message as { type?: unknown } | null | undefined)?.type;
  return typeof type === 'string' && Object.hasOwn(MESSAGES, type) && fits(MESSAGES[type as keyof Messages])(message);
}

function arePairs(calls: unknown): boolean {
  const isText = (text: unknown): boolean => typeof text === 'string';
  return Array.isArray(calls) && calls.every((call) => Array.isArray(call) && call.length === 2 && call.every(isText));
}

function areTexts(maps: unknown): boolean {
  const texts = typeof maps === 'object' && maps !== null ? Object.values(maps) : [1];
  return texts.every((text) => text === null || typeof text === 'string');
}

function areWords(length: number): Check {
  return (value) => value instanceof Int32Array && value.length === length;
}

/** Arrays of the same names, types and lengths. */
function isLike(ours: Record<string, Int32Array | Float64Array | Uint16Array>): Check {
  return (value) => {
    const arrays = (value ?? {}) as Record<string, { length?: unknown } | null | undefined>;
    return Object.entries(ours).every(
      ([name, array]) => arrays[name] instanceof array.constructor && arrays[name].length === array.length,
    );
  };
}
