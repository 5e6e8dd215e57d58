/**
 * What a rule cannot see, in the reports only of those recordings in which it made a difference. Each limit is a sentence of the rule's page, and says
 * of a recording what that is about, with figures; null where it is about nothing.
 */
import { type RowOf, rowsOf, type View } from '../recording/types.ts';
import { formatBytes, formatMs, formatShare, plural } from '../util/text.ts';
import { SEEN_WHOLE, STUCK_MS } from './limits.ts';
import { nameAndLine } from './place-findings.ts';
import type { Limit } from './types.ts';
import { type PERIOD_ROWS, type Place, periodsOf, placesOf } from './unfinished.ts';

/** Started by then, a program has not done much that was not followed. */
const EARLY_MS = 3000;

type Tracked = View<'unfinished'>;
type PeriodView = View<(typeof PERIOD_ROWS)[number]>;

/** Growth is judged from what was followed. */
export const FOLLOWED_IN_PART: Limit<Tracked> = {
  text: 'Where following costs more than the budget (EVDIAG_BUDGET), only a sample is seen: then it takes longer to be sure.',
  here: (recording) => {
    const share = seenShareOf(recording);
    return share >= SEEN_WHOLE ? null : `${partText(share)}: it takes longer to be sure.`;
  },
};

/** The same sentence, of a rule that needs all of it. */
export function neededWhole(text: string, consequence: string): Limit<Tracked> {
  return {
    text,
    here: (recording) => {
      const share = seenShareOf(recording);
      return share >= SEEN_WHOLE ? null : `${partText(share)}: ${consequence}.`;
    },
  };
}

/** Rows between which nothing was followed: what has to be seen from its beginning to its end is seen less. */
export function unbroken(text: string, consequence: string): Limit<Tracked> {
  return {
    text,
    here: (recording) => {
      const pauses = Math.max(0, ...rowsOf(recording, 'unfinished').map((row) => row.pauses ?? 0));
      return pauses === 0
        ? null
        : `Following paused ${plural(pauses, 'time')} to stay within the budget: ${consequence}.`;
    },
  };
}

/** What began before is not counted. */
export const TRACKED_LATE: Limit<Tracked> = {
  text: 'Calls that began before tracking started are not counted.',
  here: (recording) => {
    const [first] = rowsOf(recording, 'unfinished');
    const startMs = first ? first.t - first.trackedMs : 0;
    return startMs < EARLY_MS
      ? null
      : `Calls were followed from ${formatMs(startMs)} on only: those that began before and still wait are not counted.`;
  },
};

function seenShareOf(recording: Tracked): number {
  return rowsOf(recording, 'unfinished').at(-1)?.seenShare ?? 1;
}

function partText(share: number): string {
  return `Only ${formatShare(share)} of what was started was followed, to stay within the budget (EVDIAG_BUDGET)`;
}

/** Calls that wait for long where too few have passed to say what is usual. */
export function fewPassed(text: string, stuck: number, ended: number): Limit<PeriodView> {
  const isUnjudged = ({ last: { entry } }: Place): boolean =>
    entry.alive >= stuck &&
    entry.oldestMs >= STUCK_MS &&
    entry.ended > 0 &&
    entry.endedSinceOldest < ended &&
    entry.ended < ended;
  return {
    text,
    here: (recording) => {
      const place = periodsOf(recording)
        .slice(-1)
        .flatMap((period) => placesOf(period, 'await'))
        .find(isUnjudged);
      if (!place) return null;
      const { alive, oldestMs, ended: passed } = place.last.entry;
      return `${plural(alive, 'call')} in ${nameAndLine(place.location)} waited for up to ${formatMs(oldestMs)}, and only ${passed} had passed: too few to say what is usual.`;
    },
  };
}

/** More than a sawtooth of a program that is warm. */
const RISEN_RATIO = 1.5;
/** More than modules that load late come to. */
const RISEN_BYTES = 30e6;

type MemoryRow = RowOf<'memory'>;

function riseOf(recording: View<'memory'>, of: (row: MemoryRow) => number): { from: number; to: number } | null {
  const rows = rowsOf(recording, 'memory').filter(({ t }) => t >= EARLY_MS);
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return null;
  const [from, to] = [of(first), of(last)];
  return to - from >= RISEN_BYTES && to >= from * RISEN_RATIO ? { from, to } : null;
}

/** The heap rises, and nobody has collected it often enough to say what of that is garbage. */
export function fewCollections(text: string, least: number): Limit<View<'gc' | 'memory'>> {
  return {
    text,
    here: (recording) => {
      const rise = riseOf(recording, ({ heapUsedBytes }) => heapUsedBytes);
      const majors = rowsOf(recording, 'gc').reduce((sum, row) => sum + row.majorCount, 0);
      return rise === null || majors >= least
        ? null
        : `The heap rose from ${formatBytes(rise.from)} to ${formatBytes(rise.to)} with ${plural(majors, 'major collection')}: too few to say what of it is garbage. Record for longer.`;
    },
  };
}

/** Resident memory that neither the heap nor Buffers explain. */
export function nativeMemory(text: string): Limit<View<'memory'>> {
  return {
    text,
    here: (recording) => {
      const rise = riseOf(recording, ({ rssBytes }) => rssBytes);
      const known = riseOf(recording, ({ heapTotalBytes, externalBytes }) => heapTotalBytes + externalBytes);
      return rise === null || known !== null
        ? null
        : `Resident memory rose from ${formatBytes(rise.from)} to ${formatBytes(rise.to)}, while the heap and Buffers did not: what native code allocates is not seen.`;
    },
  };
}

/** Nothing that is lost has been collected yet. */
export const NOTHING_COLLECTED: Limit<View<'gc' | 'unfinished'>> = {
  text: 'Only collected calls are counted: nothing is reported before the garbage collector has run.',
  here: (recording) => {
    const hasWaiting = rowsOf(recording, 'unfinished').at(-1)?.entries.some(isOldCall) ?? false;
    const hasRun = rowsOf(recording, 'gc').some(({ majorCount }) => majorCount > 0);
    return !hasWaiting || hasRun
      ? null
      : 'The garbage collector of old objects has not run: whether calls that wait are lost is not known.';
  },
};

function isOldCall({ what, alive, oldestMs }: { what: string; alive: number; oldestMs: number }): boolean {
  return what === 'await' && alive > 0 && oldestMs >= STUCK_MS;
}
