import type { Header, Recording, Row } from '../../recording/types.ts';
import { reportSteps } from '../../report/report.ts';
import type { Report } from '../../report/types.ts';
import { after } from './rows.ts';
import type { Mark, Moment, ProfileState } from './types.ts';

/** Nothing was profiled. */
export const NO_PROFILES: ProfileState = {
  ...{ all: [], chosen: null, view: 'functions', range: null, toggled: new Set(), running: null, lost: null },
};

/** Names a thread of a family. */
export function threadKey({ pid, threadId }: Pick<Header, 'pid' | 'threadId'>): string {
  return `${pid}/${threadId}`;
}

/** How much later the thread began than the root: its rows count from its own start. */
function offsetMs(recording: Recording, root: Recording): number {
  const offset = recording.header.startMonotonicMs - root.header.startMonotonicMs;
  return Number.isFinite(offset) ? Math.max(0, offset) : 0;
}

/** When the last of all rows was written, on the clock of the root. */
export function endOf(recordings: readonly Recording[]): number {
  const root = recordings[0];
  if (!root) return 0;
  return Math.max(0, ...recordings.map((recording) => recording.durationMs + offsetMs(recording, root)));
}

/** The family as it was at that time; rows before `sinceMs` are left out. Null if there is no recording. */
export function momentAt(
  recordings: readonly Recording[],
  thread: string | null,
  atMs: number,
  sinceMs = 0,
  report: Report | null = null,
  profiles: ProfileState = NO_PROFILES,
): Moment | null {
  const root = recordings[0];
  if (!root) return null;
  const known = recordings.filter((recording, i) => i === 0 || offsetMs(recording, root) <= atMs);
  const cut = known.map((recording) => {
    const offset = offsetMs(recording, root);
    return between(recording, sinceMs - offset, atMs - offset);
  });
  const chosen = cut.find(({ header }) => threadKey(header) === thread) ?? programIn(cut);
  return { atMs, recordings: cut, chosen, report, profiles };
}

/** Programs that only start others: the child of `npm start` is the program. */
const LAUNCHER = /(^|[\\/])(npm|npx|yarn|pnpm|pnpx|corepack|nodemon)(-cli)?(\.[cm]?js)?$/;

/** The first that is not a launcher, or the first. */
function programIn(recordings: readonly Recording[]): Recording {
  return recordings.find(({ header }) => !LAUNCHER.test(header.argv[1] ?? '')) ?? recordings[0]!;
}

function between(recording: Recording, sinceMs: number, untilMs: number): Recording {
  const { rows } = recording;
  const from = sinceMs > 0 ? after(rows, sinceMs) : 0;
  const to = after(rows, untilMs);
  if (from === 0 && to === rows.length) return recording;
  return { ...recording, rows: rows.slice(from, to), durationMs: Math.max(0, Math.min(recording.durationMs, untilMs)) };
}

/** Rows about an event, not about a quantity. */
const EVENTS: ReadonlySet<Row['type']> = new Set([
  'aborted',
  'agent-error',
  'dropped',
  'end',
  'level',
  'orphans',
  'rejection',
  'stall',
  'stall-open',
  'trigger',
]);

/** Times of events on the clock of the root, in order. */
export function eventTimes(recordings: readonly Recording[]): number[] {
  return [...new Set(eventsOf(recordings).map(({ atMs }) => atMs))];
}

/** Events in order, with their times on the clock of the root. */
export function eventsOf(recordings: readonly Recording[]): { atMs: number; recording: Recording; row: Row }[] {
  const events = recordings.flatMap((recording) => {
    const offset = offsetMs(recording, recordings[0]!);
    const rows = recording.rows.filter(({ type }) => EVENTS.has(type));
    return rows.map((row) => ({ atMs: row.t + offset, recording, row }));
  });
  return events.sort((a, b) => a.atMs - b.atMs);
}

/**
 * When each finding of the whole recording first appeared, by binary search, which assumes that a finding
 * stays. There are some fifty judgements; for a long recording one takes a tenth of a second, and yields often. The times
 * of a very long one are sampled.
 */
export function* markSteps(recordings: readonly Recording[]): Generator<undefined, Mark[]> {
  const times = looksAt(rowTimes(recordings));
  const findings = yield* findingsAt(recordings, endOf(recordings));
  const seen = new Map<number, Set<string>>();
  const marks: Mark[] = [];
  for (const finding of findings) {
    const key = findingKey(finding);
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      let keys = seen.get(middle);
      if (!keys) {
        keys = new Set((yield* findingsAt(recordings, times[middle]!)).map(findingKey));
        seen.set(middle, keys);
      }
      if (keys.has(key)) high = middle;
      else low = middle + 1;
    }
    marks.push({ atMs: times[high] ?? 0, finding });
  }
  return marks.sort((a, b) => a.atMs - b.atMs);
}

/** The most rows that are judged in total: some 20 s. */
const MAX_JUDGED_ROWS = 10_000_000;
const LEAST_LOOKS = 8;

/** The times that are judged; all of them if there are few rows. */
function looksAt(times: readonly number[]): readonly number[] {
  const looks = Math.max(LEAST_LOOKS, Math.floor(MAX_JUDGED_ROWS / Math.max(1, times.length)));
  if (times.length <= looks) return times;
  return Array.from({ length: looks }, (_, i) => times[Math.round(((i + 1) * times.length) / looks) - 1]!);
}

function* findingsAt(recordings: readonly Recording[], atMs: number): Generator<undefined, Report['findings']> {
  const moment = momentAt(recordings, null, atMs);
  return moment ? (yield* reportSteps(moment.recordings)).findings : [];
}

/** All steps at once, however long they take. */
export function inOneGo<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function rowTimes(recordings: readonly Recording[]): number[] {
  const times = recordings.flatMap((recording) => {
    const offset = offsetMs(recording, recordings[0]!);
    return recording.rows.map(({ t }) => t + offset);
  });
  return [...new Set(times)].sort((a, b) => a - b);
}

/** The same problem has the same key at another moment. */
export function findingKey({ rule, kind, location }: Report['findings'][number]): string {
  return `${rule} ${kind} ${location?.file}:${location?.line}`;
}
