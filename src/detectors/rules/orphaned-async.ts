import { lineKey } from '../../recording/places.ts';
import { type OrphansRow, rowsOf, type View } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { LOST_MS, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { FAREWELL_MS } from '../unfinished.ts';

/** One or two others are a pair of requests that belong together. */
const ORPHANS = 3;
/** What ends within this time could not have been stopped earlier. */
const RAN_ON_MS = 50;
/** This many within a minute: work and results are thrown away regularly. */
const WARNING_ORPHANS = 10;
/** A minute, as people count failures. */
const WINDOW_MS = 60_000;
/** In a shorter program the last second is a good part of its work. */
const SHORT_RUN_MS = 5000;
/** Of one Promise.all, the end of the program may be the consequence. */
const TOGETHER = 2;

export interface OrphansEvidence {
  /** Those of all promises that ran on, and those that still did when they were counted. */
  orphaned: number;
  promises: number;
  stillPending: number;
  ranOnMs: number;
  /** How long the program was observed: "8.2 s". */
  observed: string;
}

const READS = ['end', 'orphans', 'unfinished'] as const;

export const orphanedAsync: Detector<OrphansEvidence, typeof READS> = {
  id: 'orphaned-async',
  title: 'orphaned calls',
  description:
    'A Promise.all was rejected by one of its promises while others were still pending. These run on although nobody waits for ' +
    'them: their results are thrown away, their errors go unseen, and they still use connections and memory.',
  remedy: 'Keep what succeeds with `Promise.allSettled`, or abort the others with an AbortSignal when one fails.',
  reads: READS,
  needs: [['orphans', 'unfinished']],
  thresholds: [
    `warning: ${WARNING_ORPHANS} promises within ${WINDOW_MS / 1000} s that ran on after their Promise.all had failed.`,
    `info: ${ORPHANS} of one Promise.all, for ${RAN_ON_MS} ms or longer.`,
  ],
  limits: ["Only Promise.all of the observed thread's main context is followed."],
  kinds: [
    {
      kind: 'all',
      title: 'siblings of a rejected Promise.all',
      remedy: 'Keep what succeeds with `Promise.allSettled`, or abort the others with an AbortSignal when one fails.',
      example:
        'await Promise.all(urls.map(get));                        // one fails: all results are lost, the others run on\nconst results = await Promise.allSettled(urls.map(get)); // keeps what succeeded',
    },
  ],
  detect(recording) {
    const rows = withoutFarewell(recording).filter((row) => row.pending >= ORPHANS && row.ranOnMs >= RAN_ON_MS);
    const byPlace = groupBy(rows, ({ location }) => (location ? lineKey(location) : ''));
    return [...byPlace.values()].map(toFinding);
  },
  words: ({ orphaned, promises, stillPending, ranOnMs }) => [
    `${orphaned} of ${promises} promises`,
    `${stillPending} still pending`,
    `up to ${formatMs(ranOnMs)} longer`,
  ],
};

/** A program that closes its connections at the end makes all fail that still wait: it does not go on without them. */
function withoutFarewell(recording: View<(typeof READS)[number]>): readonly OrphansRow[] {
  const rows = rowsOf(recording, 'orphans');
  const [end] = rowsOf(recording, 'end');
  if (!end || end.t < SHORT_RUN_MS) return rows;
  const before = rows.filter(({ t, ranOnMs }) => t - ranOnMs < end.t - FAREWELL_MS);
  return rows.length - before.length >= TOGETHER ? before : rows;
}

function toFinding(rows: readonly OrphansRow[]): Finding<OrphansEvidence> {
  const { location, callers } = rows[0]!;
  const sum = (name: 'pending' | 'stillPending' | 'total') => rows.reduce((total, row) => total + row[name], 0);
  const [orphaned, total] = [sum('pending'), sum('total')];
  const ranOnMs = maxOf(rows.map((row) => row.ranOnMs));
  const severity = mostWithin(rows) >= WARNING_ORPHANS ? 'warning' : 'info';
  return findingOf(orphanedAsync, {
    severity,
    lostMs: ranOnMs + orphaned * LOST_MS.thing,
    kind: 'all',
    message: `${orphaned} of ${total} promises ran on for up to ${round(ranOnMs)} ms after their Promise.all${location ? ` in ${nameOf(location)}` : ''} had failed (${plural(rows.length, 'time')}): 0 results were kept, ${total} thrown away.`,
    location,
    stack: location ? [location, ...callers] : [...callers],
    count: rows.length,
    confidence: location ? CONFIDENCE.counted : CONFIDENCE.indirect,
    evidence: {
      orphaned,
      promises: total,
      stillPending: sum('stillPending'),
      ranOnMs: round(ranOnMs),
      observed: secondsText(rows.at(-1)!.t),
    },
  });
}

/** Orphans within one minute, at most. */
function mostWithin(rows: readonly OrphansRow[]): number {
  let first = 0;
  let orphans = 0;
  return maxOf(
    rows.map(({ t, pending }) => {
      orphans += pending;
      while (rows[first]!.t < t - WINDOW_MS) orphans -= rows[first++]!.pending;
      return orphans;
    }),
  );
}
