import type { SharedBeats } from '../shared-beats.ts';
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
  const { rows, mainThreadMs } = (sample ?? {}) as Record<string, unknown>;
  return Array.isArray(rows) && typeof mainThreadMs === 'number';
}

function isThread(thread: unknown): boolean {
  const { threadId, nativeId, shared, beats, startMonotonicMs } = (thread ?? {}) as Record<string, unknown>;
  const { control, numbers, site } = (shared ?? {}) as Record<string, unknown>;
  return (
    [threadId, startMonotonicMs].every(Number.isFinite) &&
    (nativeId === null || Number.isFinite(nativeId)) &&
    control instanceof Int32Array &&
    numbers instanceof Float64Array &&
    site instanceof Uint16Array &&
    (beats as SharedBeats | null)?.counts instanceof Int32Array &&
    (beats as SharedBeats).times instanceof Float64Array
  );
}
