/** A thing to mark: times in ms since the recording of that thread began. */
export interface TraceMarker {
  pid: number;
  threadId: number;
  atMs: number;
  name: string;
  args: Record<string, unknown>;
}

/**
 * One event; times in µs since the trace began.
 * Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format).
 */
export interface TraceEvent {
  /** Metadata, slice, counter, instant; begin, step and end of a lane; start and end of a flow. */
  ph: 'M' | 'X' | 'C' | 'i' | 'b' | 'n' | 'e' | 's' | 'f';
  name: string;
  cat?: string;
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
  id?: string;
  s?: 't' | 'p';
  /** Of a flow's end: it belongs to the slice around it, not to the next one. */
  bp?: 'e';
  args?: Record<string, unknown>;
}

/** Without what all events of a thread have in common. */
export type ThreadEvent = Omit<TraceEvent, 'pid' | 'tid'>;

export interface Trace {
  events: TraceEvent[];
  /** Events that did not fit: every second, third … row was left out, and the shortest operations. */
  dropped: number;
}

/** The viewers need some 200 bytes of text and 1 kB of memory for each. */
export const MAX_EVENTS = 300_000;
