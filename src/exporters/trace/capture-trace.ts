import type { CapturedThread } from '../../protocol/async-trace.ts';
import type { Header, Recording, Row } from '../../recording/types.ts';
import { captureEvents } from './capture-events.ts';
import { markerEvents } from './markers.ts';
import { rowEvents } from './row-events.ts';
import { namesOf, trackOf } from './threads.ts';
import type { Trace, TraceMarker } from './types.ts';

export interface CaptureTrace extends Trace {
  /** This many captured events, in all threads, did not fit. */
  leftOut: { lanes: number; runs: number; flows: number };
  lanes: number;
}

/**
 * A timeline of what was captured of each thread: its runs as slices, its operations as lanes, flows from what started one to
 * what it ran. In addition, what the agent recorded in that time, and the findings so far.
 */
export function captureTrace(
  { pid, argv }: Pick<Header, 'pid' | 'argv'>,
  threads: readonly CapturedThread[],
  recordings: readonly Recording[],
  markers: readonly TraceMarker[],
  maxEvents: number,
): CaptureTrace {
  const during = recordings.map((recording) => recordedDuring(recording, threads));
  const zeroMs = Math.min(...threads.map(({ startMonotonicMs }) => startMonotonicMs), ...during.flatMap(stallStarts));
  const names = threads.flatMap(({ threadId }) => namesOf({ pid, threadId, argv }, ['stalls', 'collections']));
  const rows = during.flatMap((recording) =>
    rowEvents(recording, { stride: 1, zeroMs, stallTrack: trackOf(recording.header.threadId, 'stalls') }),
  );
  const marks = markerEvents(markers, recordings, zeroMs);
  const fixed = [...names, ...rows, ...marks].slice(0, maxEvents);
  const room = Math.floor((maxEvents - fixed.length) / Math.max(1, threads.length));
  const captured = threads.map((thread) => captureEvents(thread, pid, zeroMs, room));
  const leftOut = { lanes: 0, runs: 0, flows: 0 };
  for (const { leftOut: less } of captured) {
    leftOut.lanes += less.lanes;
    leftOut.runs += less.runs;
    leftOut.flows += less.flows;
  }
  const events = [...fixed, ...captured.flatMap((one) => one.events)].sort((a, b) => (a.ts ?? -1) - (b.ts ?? -1));
  return {
    events,
    dropped: 2 * (leftOut.lanes + leftOut.flows) + leftOut.runs,
    leftOut,
    lanes: events.filter(({ ph, cat }) => ph === 'b' && cat !== 'deep-sample' && cat !== 'async').length,
  };
}

/** The rows of the time in which its thread, or the main thread, was captured. */
function recordedDuring(recording: Recording, threads: readonly CapturedThread[]): Recording {
  const { threadId, startMonotonicMs } = recording.header;
  const captured = threads.find((thread) => thread.threadId === threadId) ?? threads[0]!;
  const fromMs = captured.startMonotonicMs - startMonotonicMs;
  const toMs = fromMs + captured.spanMs;
  const isOfThen = (row: Row): boolean => {
    // The places of unfinished work are lanes of their own here.
    if (row.type === 'unfinished') return false;
    const startMs = 'startMs' in row ? row.startMs : row.t;
    const endMs = row.type === 'stall' ? startMs + row.durationMs : row.t;
    return row.type === 'stall' ? startMs < toMs && endMs > fromMs : startMs >= fromMs && endMs <= toMs;
  };
  return { ...recording, rows: recording.rows.filter(isOfThen), durationMs: toMs };
}

const stallStarts = ({ header, rows }: Recording): number[] =>
  rows.flatMap((row) => (row.type === 'stall' ? [header.startMonotonicMs + row.startMs] : []));
