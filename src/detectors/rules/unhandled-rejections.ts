import { lineKey } from '../../recording/places.ts';
import { type RejectionRow, rowsOf } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { LOST_MS, round } from '../severity.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** One may be from a library that handles it a moment later; three at one place are a pattern. */
const SWALLOWED = 3;
/** Handled later, but so often that it is how the program works. */
const LATE = 10;
/** What became of the rejection, as the message says it. */
const KINDS = {
  swallowed: "and was swallowed by the application's handler",
  late: 'in time, only later',
  fatal: 'and ended the process',
} as const;

export interface RejectionsEvidence {
  /** The class of the error; empty if no value was given. */
  error: string;
  rejections: number;
}

const READS = ['rejection', 'unfinished'] as const;

export const unhandledRejections: Detector<RejectionsEvidence, typeof READS> = {
  id: 'unhandled-rejections',
  title: 'unhandled rejections',
  description:
    'A promise was rejected and nothing handled it. Without a handler for `unhandledRejection` this ends the process; with one ' +
    'that only counts or logs, the error is lost and what should have followed never happens.',
  remedy: 'Handle the rejection where the promise is made: await it in a try block, or give it a `catch`.',
  reads: READS,
  needs: [['rejection', 'unfinished']],
  thresholds: [
    'critical: one that ended the process.',
    `warning: ${SWALLOWED} swallowed rejections from one place; ${LATE} that were handled too late.`,
    'info: fewer.',
  ],
  limits: ['Where the call that nobody awaited is known, it is a symptom of floating-promises.'],
  kinds: [
    {
      kind: 'fatal',
      title: 'rejections that end the process',
      remedy: 'Handle the rejection where the promise is made: await it in a try block, or give it a `catch`.',
      example: 'refresh();                        // one failure ends the process\nrefresh().catch(reportError);',
    },
    {
      kind: 'late',
      title: 'rejections that are handled too late',
      remedy: 'Attach the handler before anything else is awaited, or start the work when it is awaited.',
      example:
        'const job = load(); await other(); await job;           // rejected meanwhile: unhandled\nconst [, value] = await Promise.all([other(), load()]); // handled from the start',
    },
    {
      kind: 'swallowed',
      title: 'rejections that a handler swallows',
      remedy: 'Handle the rejection where the promise is made, and let the handler for the rest end the process.',
      example:
        "process.on('unhandledRejection', () => errors++);                 // the error is gone\nprocess.on('unhandledRejection', (error) => { throw error; });    // and handle the known ones",
    },
  ],
  detect(recording) {
    const byPlace = groupBy(rowsOf(recording, 'rejection'), (row) => {
      const place = row.call ?? row.location;
      return `${row.kind} ${place ? lineKey(place) : row.error}`;
    });
    return [...byPlace.values()].map(toFinding);
  },
  words: ({ rejections }) => [plural(rejections, 'rejection')],
};

function toFinding(rows: readonly RejectionRow[]): Finding<RejectionsEvidence> {
  const { kind, call, location, error, t } = rows[0]!;
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const severity = severityOf(kind, count);
  const place = call ?? location;
  return findingOf(unhandledRejections, {
    severity,
    lostMs: count * LOST_MS.unit,
    kind,
    message: `A rejection${place ? ` of ${nameOf(place)}` : ''} (${error || 'no error'}) was not handled ${KINDS[kind]}, ${plural(count, 'time')} in total, first at ${round(t / 1000)} s.`,
    location: place,
    stack: [call, location].filter((frame) => frame !== null),
    count,
    // A listener for unhandled rejections may only count them.
    confidence: kind === 'swallowed' ? CONFIDENCE.compared : CONFIDENCE.counted,
    span: { firstMs: round(t), lastMs: round(rows.at(-1)!.t) },
    evidence: { error, rejections: count },
  });
}

function severityOf(kind: RejectionRow['kind'], count: number): Severity {
  if (kind === 'fatal') return 'critical';
  return count >= (kind === 'swallowed' ? SWALLOWED : LATE) ? 'warning' : 'info';
}
