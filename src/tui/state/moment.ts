import type { Header, Recording, Row } from '../../recording/types.ts';
import { buildReport, type Report } from '../../report/report.ts';
import type { Mark, Moment } from './types.ts';

/** Names a thread of a family. */
export function threadKey({ pid, threadId }: Pick<Header, 'pid' | 'threadId'>): string {
  return `${pid}/${threadId}`;
}

/** How much later the thread began than the root: its rows count from its own start. */
export function offsetMs(recording: Recording, root: Recording): number {
  const offset = recording.header.startMonotonicMs - root.header.startMonotonicMs;
  return Number.isFinite(offset) ? Math.max(0, offset) : 0;
}

/** When the last row of all was written, on the clock of the root. */
export function endOf(recordings: readonly Recording[]): number {
  const root = recordings[0];
  if (!root) return 0;
  return Math.max(0, ...recordings.map((recording) => recording.durationMs + offsetMs(recording, root)));
}

/** The family as it was at that time; rows before `sinceMs` are left out. Null where there is no recording. */
export function momentAt(
  recordings: readonly Recording[],
  thread: string | null,
  atMs: number,
  sinceMs = 0,
): Moment | null {
  const root = recordings[0];
  if (!root) return null;
  const known = recordings.filter((recording, i) => i === 0 || offsetMs(recording, root) <= atMs);
  const cut = known.map((recording) => between(recording, sinceMs, atMs - offsetMs(recording, root)));
  const chosen = cut.find(({ header }) => threadKey(header) === thread) ?? cut[0]!;
  let report: Report | null = null;
  return {
    atMs,
    recordings: cut,
    chosen,
    // Judged when a tab asks: a frame of another tab does not need it.
    report() {
      report ??= buildReport(cut);
      return report;
    },
  };
}

function between(recording: Recording, sinceMs: number, untilMs: number): Recording {
  const { rows } = recording;
  const from = sinceMs > 0 ? after(rows, sinceMs) : 0;
  const to = after(rows, untilMs);
  if (from === 0 && to === rows.length) return recording;
  return { ...recording, rows: rows.slice(from, to), durationMs: Math.max(0, Math.min(recording.durationMs, untilMs)) };
}

/** Index of the first row that is later. */
export function after(rows: readonly Row[], t: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.t <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows that tell of something that happened, not of a quantity. */
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
  'suspicion',
]);

/** Times of events on the clock of the root, in order. */
export function eventTimes(recordings: readonly Recording[]): number[] {
  const times = recordings.flatMap((recording) => {
    const offset = offsetMs(recording, recordings[0]!);
    return recording.rows.filter(({ type }) => EVENTS.has(type)).map(({ t }) => t + offset);
  });
  return [...new Set(times)].sort((a, b) => a - b);
}

/**
 * When each finding of the whole recording was first there, found by halving: that takes it for granted that a finding
 * stays. Yields after each judgement, of which there are some fifty: of a long recording one takes a tenth of a second.
 */
export function* markSteps(recordings: readonly Recording[]): Generator<undefined, Mark[]> {
  const times = rowTimes(recordings);
  const last = momentAt(recordings, null, endOf(recordings));
  const findings = last?.report().findings ?? [];
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
        keys = new Set(momentAt(recordings, null, times[middle]!)!.report().findings.map(findingKey));
        seen.set(middle, keys);
        yield;
      }
      if (keys.has(key)) high = middle;
      else low = middle + 1;
    }
    marks.push({ atMs: times[high] ?? 0, severity: finding.severity, rule: finding.rule });
  }
  return marks.sort((a, b) => a.atMs - b.atMs);
}

/** The marks at once, however long it takes. */
export function findMarks(recordings: readonly Recording[]): Mark[] {
  const steps = markSteps(recordings);
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
