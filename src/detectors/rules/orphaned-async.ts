import { lineKey } from '../../recording/places.ts';
import { type OrphansRow, rowsOf } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural } from '../../util/text.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { nameOf } from '../place-findings.ts';
import { LOST_MS, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** One or two others are a pair of requests that belong together. */
const ORPHANS = 3;
/** What ends within this time could not have been stopped earlier. */
const RAN_ON_MS = 50;
/** This many within a minute: work and results are thrown away regularly. */
const WARNING_ORPHANS = 10;
/** A minute, as people count failures. */
const WINDOW_MS = 60_000;

export interface OrphansEvidence {
  /** Those of all promises that ran on, and those that still did when they were counted. */
  orphaned: number;
  promises: number;
  stillPending: number;
  ranOnMs: number;
  /** How long the program was observed: "8.2 s". */
  observed: string;
}

const READS = ['orphans', 'unfinished'] as const;

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
    const rows = rowsOf(recording, 'orphans').filter((row) => row.pending >= ORPHANS && row.ranOnMs >= RAN_ON_MS);
    const byPlace = groupBy(rows, ({ location }) => (location ? lineKey(location) : ''));
    return [...byPlace.values()].map(toFinding);
  },
  words: ({ orphaned, promises, stillPending, ranOnMs }) => [
    `${orphaned} of ${promises} promises`,
    `${stillPending} still pending`,
    `up to ${formatMs(ranOnMs)} longer`,
  ],
};

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
