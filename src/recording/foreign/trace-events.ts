import { isObject } from '../validate.ts';
import { chunksOf } from './chunks.ts';

/** Node writes no longer event. */
const MAX_EVENT_BYTES = 1 << 20;
const [OPEN, CLOSE, QUOTE, BACKSLASH] = [...'{}"\\'].map((char) => char.charCodeAt(0));

/** Of the fields of an event (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), those that all events have. */
export interface TraceEvent {
  [field: string]: unknown;
}

/**
 * The events of `{"traceEvents":[…]}`, in bounded memory, also if the file was cut off. Calls `onEnd` with true
 * if the last event, or the end of the list, is missing.
 */
export function* traceEventsOf(file: string, onEnd: (truncated: boolean) => void): Generator<TraceEvent> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let event: Buffer[] = [];
  let bytes = 0;
  for (const chunk of chunksOf(file)) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN) {
        depth++;
        // The outermost object holds the list.
        if (depth === 2) from = i;
      } else if (byte === CLOSE && depth > 0) {
        depth--;
        if (depth !== 1) continue;
        const parsed = parse([...event, chunk.subarray(from, i + 1)]);
        event = [];
        bytes = 0;
        if (parsed) yield parsed;
      }
    }
    if (depth < 2) continue;
    bytes += chunk.length - from;
    if (bytes <= MAX_EVENT_BYTES) event.push(Buffer.from(chunk.subarray(from)));
    else event = [];
  }
  onEnd(depth !== 0);
}

function parse(parts: Buffer[]): TraceEvent | null {
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
