import { isRow } from '../../src/recording/validate.ts';
import { createSharedBeats } from '../shared-beats.ts';
import { createSharedMemory } from '../shared-memory.ts';
import { RING_WORDS, TraceWord } from '../shared-trace.ts';
import type { ChannelMessage } from './types.ts';

/** Anything in the process may post on the channel: what is no message of ours is left alone. */
export function isMessage(message: unknown): message is ChannelMessage {
  if (typeof message !== 'object' || message === null) return false;
  const { type, threadId, sample, thread, level } = message as Record<string, unknown>;
  if (type === 'sample') return typeof threadId === 'number' && isSample(sample);
  if (type === 'thread-gone') return typeof threadId === 'number';
  if (type === 'level') return level === 'watch' || level === 'diagnose';
  return type === 'thread' && isThread(thread);
}

function isSample(sample: unknown): boolean {
  const { rows, tracked, mainThreadMs, trace, maps, addOnCalls, dropped } = (sample ?? {}) as Record<string, unknown>;
  return (
    Array.isArray(rows) &&
    rows.every((row) => isRow({ ...row, t: 0 })) &&
    typeof tracked === 'object' &&
    Number.isFinite(mainThreadMs) &&
    (trace === undefined || isTrace(trace)) &&
    (maps === undefined || areTexts(maps)) &&
    (addOnCalls === undefined || arePairs(addOnCalls)) &&
    (dropped === undefined || Number.isInteger(dropped))
  );
}

function arePairs(calls: unknown): boolean {
  const isText = (text: unknown): boolean => typeof text === 'string';
  return Array.isArray(calls) && calls.every((call) => Array.isArray(call) && call.length === 2 && call.every(isText));
}

function areTexts(maps: unknown): boolean {
  const texts = typeof maps === 'object' && maps !== null ? Object.values(maps) : [1];
  return texts.every((text) => text === null || typeof text === 'string');
}

function isTrace(trace: unknown): boolean {
  const { id, startMonotonicMs, control, events } = (trace ?? {}) as Record<string, unknown>;
  const isWords = (value: unknown, length: number): boolean => value instanceof Int32Array && value.length === length;
  return (
    Number.isInteger(id) &&
    Number.isFinite(startMonotonicMs) &&
    isWords(control, TraceWord.Length) &&
    isWords(events, RING_WORDS)
  );
}

/** The main thread, 0, does not come by the channel; its folder would be overwritten. */
function isThread(thread: unknown): boolean {
  const { threadId, nativeId, shared, beats, gated, ...times } = (thread ?? {}) as Record<string, unknown>;
  return (
    Number.isInteger(threadId) &&
    (threadId as number) > 0 &&
    (nativeId === null || Number.isInteger(nativeId)) &&
    typeof gated === 'boolean' &&
    Number.isFinite(times.startMonotonicMs) &&
    Number.isFinite(times.startedAtMs) &&
    isLike(shared, { ...createSharedMemory() }) &&
    isLike(beats, { ...createSharedBeats() })
  );
}

/** Arrays of the same names, types and lengths. */
function isLike(value: unknown, ours: Record<string, Int32Array | Float64Array | Uint16Array>): boolean {
  const arrays = (value ?? {}) as Record<string, { length?: unknown } | null | undefined>;
  return Object.entries(ours).every(
    ([name, array]) => arrays[name] instanceof array.constructor && arrays[name].length === array.length,
  );
}
