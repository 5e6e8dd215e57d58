import { judge } from '../../detectors/judge.ts';
import { allStalls } from '../../detectors/stalls.ts';
import type { Finding } from '../../detectors/types.ts';
import type { TimeRange } from '../../profile/cut-time.ts';
import type { ThreadProfile } from '../../profile/types.ts';
import { functionKey } from '../../recording/places.ts';
import type { Location, StallRow } from '../../recording/types.ts';
import { InputError } from '../../util/input-error.ts';
import { lineText } from '../../util/place-text.ts';
import { formatMs, plural, stripControl } from '../../util/text.ts';
import { reportOf } from '../output.ts';
import { type MatchedRecording, recordingOf } from './profile-recording.ts';

export interface MomentOptions {
  /** longest, last, or a number from 1 on. */
  stall?: string;
  /** A number from 1 on, as `evdiag report` lists them, or a rule. */
  finding?: string;
  /** Folder of the recording. */
  recording?: string;
}

/** When a stall or a finding was, in ms of the profile. */
export interface Moment {
  ranges: TimeRange[];
  /** What was chosen, for people. */
  words: string;
  /** Of several profiles the one with the most is meant; for `last`, first the latest. */
  rank: [atMs: number, coveredMs: number];
}

/** Named in a message, of what there is to choose from. */
const MAX_NAMED = 5;
/** Times of findings are rounded to tenths. */
const ROUNDING_MS = 0.1;

/** The time of a stall or a finding on the clock of a profile. Throws InputError, also where it is not in the profile. */
export function momentOf(path: string, thread: ThreadProfile, { stall, finding, recording }: MomentOptions): Moment {
  const match = recordingOf(path, thread, recording);
  const spanMs = (thread.taken?.spanUs ?? 0) / 1000;
  if (finding === undefined) return stallMoment(match, spanMs, stall ?? 'longest');
  const of = findingOf(match, finding);
  const spans = spansOf(match, of);
  const ranges = inProfile(spans, match.atMs, spanMs);
  const words = `${of.rule}${nameAndPlace(of.location)}`;
  if (ranges.length === 0) throw notCovered(`The finding "${finding}" is not`, match, spanMs);
  return {
    ranges,
    words: `${words}: ${plural(ranges.length, 'time')}, ${formatMs(sumOf(ranges))}.`,
    rank: [0, sumOf(ranges)],
  };
}

function stallMoment(match: MatchedRecording, spanMs: number, which: string): Moment {
  const stalls = allStalls(match.recording).toSorted((a, b) => a.startMs - b.startMs);
  if (stalls.length === 0) throw new InputError('No stall was recorded of this thread. Leave --stall out.');
  const partOf = (stall: StallRow): TimeRange[] => inProfile([spanOf(stall)], match.atMs, spanMs);
  const covered = stalls.filter((stall) => partOf(stall).length > 0);
  const longest = covered.toSorted((a, b) => sumOf(partOf(b)) - sumOf(partOf(a)))[0];
  const chosen = which === 'longest' ? longest : chooseStall(stalls, covered, which);
  if (!chosen)
    throw notCovered(which === 'longest' || which === 'last' ? 'No stall is' : `Stall ${which} is not`, match, spanMs);
  const ranges = partOf(chosen);
  const missing = chosen.durationMs - sumOf(ranges);
  const part = missing > 1 ? `, of which ${formatMs(sumOf(ranges))} are in the profile` : '';
  const words = `stall ${stalls.indexOf(chosen) + 1} of ${stalls.length}: ${stallText(chosen)}${part}.`;
  return { ranges, words, rank: [which === 'last' ? chosen.startMs : 0, sumOf(ranges)] };
}

/** Undefined where the profile has none such. */
function chooseStall(stalls: readonly StallRow[], covered: readonly StallRow[], which: string): StallRow | undefined {
  if (which === 'last') return covered.at(-1);
  const numbered = stalls[Number(which) - 1];
  if (numbered) return covered.includes(numbered) ? numbered : undefined;
  const named = covered.slice(0, MAX_NAMED).map((stall) => `${stalls.indexOf(stall) + 1} (${stallText(stall)})`);
  const more = covered.length > named.length ? `, and ${covered.length - named.length} more` : '';
  throw new InputError(
    `"${which}" is not a stall: give longest, last or a number up to ${stalls.length}. In the profile: ${named.join(', ') || 'none'}${more}.`,
  );
}

function stallText({ startMs, durationMs, kind, location }: StallRow): string {
  return `${formatMs(durationMs)} at ${formatMs(startMs)}, ${kind}${nameAndPlace(location)}`;
}

/** " handler src/app.js:12" */
function nameAndPlace(location: Location | null): string {
  if (!location) return '';
  const name = location.function ? ` ${stripControl(location.function)}` : '';
  return `${name} ${lineText({ file: location.file, line: location.line })}`;
}

/** The finding as this thread has it: that of the family counts the time of its first thread. */
function findingOf({ family, recording }: MatchedRecording, wanted: string): Finding {
  const all = reportOf(family).findings;
  const own = judge(recording).findings;
  const named = Number.isInteger(Number(wanted))
    ? all.slice(Number(wanted) - 1, Number(wanted))
    : all.filter(({ rule }) => rule === wanted);
  const list = all.slice(0, MAX_NAMED).map((one, i) => `${i + 1} (${one.rule}${nameAndPlace(one.location)})`);
  if (Number(wanted) < 1 || named.length === 0) {
    throw new InputError(`"${wanted}" is not a finding of this recording, which has ${list.join(', ') || 'none'}.`);
  }
  const mine = named.flatMap((one) => own.find((other) => isSame(one, other)) ?? []);
  if (mine.length === 0) throw new InputError(`"${wanted}" is a finding of another thread than the profile's.`);
  const timed = mine.find(({ span, times }) => span !== null && times !== null);
  if (timed) return timed;
  throw new InputError(`${mine[0]!.rule} has no time of its own: cut with --from and --to, in seconds of the profile.`);
}

function isSame(a: Finding, b: Finding): boolean {
  return a.rule === b.rule && a.kind === b.kind && nameAndPlace(a.location) === nameAndPlace(b.location);
}

/** Its stalls, where it is made of some; else from the first to the last time it was seen. */
function spansOf({ recording }: MatchedRecording, { kind, location, span }: Finding): TimeRange[] {
  const { firstMs: fromMs, lastMs: toMs } = span!;
  const within = allStalls(recording)
    .filter(({ startMs }) => startMs >= fromMs - ROUNDING_MS && startMs <= toMs + ROUNDING_MS)
    .sort((a, b) => a.startMs - b.startMs);
  const key = location && functionKey(location);
  const same = within.filter((stall) => stall.kind === kind && (stall.location && functionKey(stall.location)) === key);
  const stalls = same.length > 0 ? same : within;
  return stalls.length > 0 ? stalls.map(spanOf) : [{ fromMs, toMs }];
}

function spanOf({ startMs, durationMs }: StallRow): TimeRange {
  return { fromMs: startMs, toMs: startMs + durationMs };
}

/** The parts of the spans that are in the profile, as its times; what overlaps is one. */
function inProfile(spans: readonly TimeRange[], atMs: number, spanMs: number): TimeRange[] {
  const ranges: TimeRange[] = [];
  for (const span of spans) {
    const fromMs = Math.max(0, span.fromMs - atMs, ranges.at(-1)?.toMs ?? 0);
    const toMs = Math.min(spanMs, span.toMs - atMs);
    if (toMs > fromMs) ranges.push({ fromMs, toMs });
  }
  return ranges;
}

function sumOf(ranges: readonly TimeRange[]): number {
  return ranges.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function notCovered(what: string, { atMs }: MatchedRecording, spanMs: number): InputError {
  return new InputError(
    `${what} in the profile, which has ${formatMs(Math.max(0, atMs))} to ${formatMs(atMs + spanMs)} of the recording.`,
  );
}
