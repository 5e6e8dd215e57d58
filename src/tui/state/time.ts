/** What moves the moment that is shown: new rows, the clock, and the keys of replay. */
import type { Recording } from '../../recording/types.ts';
import { endOf, eventTimes } from './moment.ts';
import { atTime, REFRESH_MS, SPEEDS } from './state.ts';
import type { Moment, State } from './types.ts';

/** `[` and `]` move by this share of the recording. */
const SEEK_SHARE = 0.05;

/** An ended process can be replayed. */
export function withRecordings(state: State, recordings: readonly Recording[], ended: string | undefined): State {
  const atEnd = state.following || (state.mode === 'replay' && state.atMs >= endOf(state.recordings));
  const shift = shiftOf(state.recordings[0], recordings[0]);
  const next: State = { ...state, recordings, ended: ended ?? state.ended, sinceMs: state.sinceMs + shift };
  if (ended !== undefined) Object.assign(next, { mode: 'replay', following: false, playing: false });
  if (next.mode === 'replay') next.marks = null;
  return atTime(next, atEnd ? endOf(recordings) : state.atMs + shift);
}

/** A parent that is found later than its child becomes the root, whose clock counts. */
function shiftOf(before: Recording | undefined, now: Recording | undefined): number {
  const shift = before && now ? before.header.startMonotonicMs - now.header.startMonotonicMs : 0;
  return Number.isFinite(shift) ? shift : 0;
}

export function passed(state: State, ms: number): State {
  if (state.mode === 'replay') {
    if (!state.playing) return state;
    const end = endOf(state.recordings);
    const atMs = Math.min(end, state.atMs + ms * state.speed);
    return atTime(state, atMs, { playing: atMs < end });
  }
  // While the loop is blocked no rows come, but time goes on, so an open stall gets longer.
  if (!state.following || state.ended || !state.moment) return state;
  return { ...state, atMs: state.atMs + ms, moment: later(state.moment, ms) };
}

function later(moment: Moment, ms: number): Moment {
  const chosen = { ...moment.chosen, durationMs: moment.chosen.durationMs + ms };
  return { ...moment, atMs: moment.atMs + ms, chosen };
}

export function seekTo(state: State, ms: number): State {
  const end = endOf(state.recordings);
  return atTime(state, Math.min(end, Math.max(0, ms)), {
    following: false,
    playing: false,
    marks: state.following ? null : state.marks,
  });
}

/** By a step backwards or forwards. */
export function seekBy(state: State, direction: 1 | -1): State {
  return seekTo(state, state.atMs + direction * SEEK_SHARE * endOf(state.recordings));
}

export function toEvent(state: State, direction: 1 | -1): State {
  return toTime(state, eventTimes(state.recordings), direction, 'No event there.');
}

export function toFinding(state: State, direction: 1 | -1): State {
  if (state.marks === null) return { ...state, message: 'The rows are still being judged.' };
  const times = state.marks.map(({ atMs }) => atMs);
  return toTime(state, times, direction, 'No finding there.');
}

function toTime(state: State, times: readonly number[], direction: 1 | -1, none: string): State {
  const time = direction > 0 ? times.find((t) => t > state.atMs) : times.findLast((t) => t < state.atMs);
  return time === undefined ? { ...state, message: none } : seekTo(state, time);
}

export function togglePause(state: State): State {
  if (state.mode === 'live') {
    if (!state.following) return atTime(state, endOf(state.recordings), { following: true });
    return { ...state, following: false, marks: null };
  }
  const atEnd = state.atMs >= endOf(state.recordings);
  return state.playing || !atEnd ? { ...state, playing: !state.playing } : atTime(state, 0, { playing: true });
}

export function faster(state: State, by: 1 | -1): State {
  if (state.mode === 'replay') return { ...state, speed: step(SPEEDS, state.speed, by) };
  return { ...state, refreshMs: step(REFRESH_MS, state.refreshMs, by === 1 ? -1 : 1) };
}

function step(values: readonly number[], value: number, by: number): number {
  const index = Math.min(values.length - 1, Math.max(0, values.indexOf(value) + by));
  return values[index]!;
}
