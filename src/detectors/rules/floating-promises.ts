import { lineKey, packageNameOf } from '../../recording/places.ts';
import { rowsOf, type View } from '../../recording/types.ts';
import { plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments, isOf } from '../finding.ts';
import { growthOf } from '../growth.ts';
import { onePerLine, placeFinding } from '../place-findings.ts';
import { secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';
import { TRACKED_LATE } from '../unseen.ts';

/** A few at start-up (`main();`) are how programs begin. */
const REPORTED_CALLS = 5;
/** Nobody awaits them, and they do not end: unbounded work. */
const PILED_CALLS = 100;
/** Packages listed by name. */
const MAX_NAMES = 4;

export interface FloatingEvidence {
  floating: number;
  rejected: number;
  created?: number;
  ended?: number;
  alive?: number;
  /** Whose code calls: names, with a comma between them. */
  package?: string;
}

const READS = [...PERIOD_ROWS, 'rejection'] as const;
type Seen = View<(typeof READS)[number]>;

export const floatingPromises: Detector<FloatingEvidence, typeof READS> = {
  id: 'floating-promises',
  title: 'floating promises',
  description:
    'An async function is called and nothing ever uses its promise: no await, no then, no catch. The caller goes on before the ' +
    'work has finished, and nobody sees its error. A call written `void f()` is treated as intended.',
  remedy:
    'Await the call, or return its promise; where it is meant to run on, say `void` and handle its errors with `catch`.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: a floating promise that was rejected, or ${PILED_CALLS} floating calls from one place that are alive and grow in number.`,
    `info: ${REPORTED_CALLS} floating calls from one place.`,
  ],
  limits: [
    'Calls that packages do not await internally, and that do not fail, are summed up in one info line.',
    TRACKED_LATE,
  ],
  kinds: [
    {
      kind: 'floating',
      title: 'calls that nobody awaits',
      remedy:
        'Await the call, or return its promise; where it is meant to run on, say `void` and handle its errors with `catch`.',
      example:
        'save(order);                            // and if it fails?\nawait save(order);                      // the caller knows\nvoid save(order).catch(reportError);    // meant to run on',
    },
  ],
  detect(recording) {
    const rejected = rejectedCalls(recording);
    const findings = onePerLine(periodsOf(recording).flatMap((period) => floating(period, rejected)));
    const isPackages = ({ evidence }: Finding<FloatingEvidence>): boolean =>
      evidence.package !== undefined && evidence.rejected === 0;
    return [...findings.filter((finding) => !isPackages(finding)), ...allOfPackages(findings.filter(isPackages))];
  },
  explains: [{ rule: 'unhandled-rejections', share: 'line' }],
  // An error that nobody handles is a problem of its own, whatever made the call run on.
  minor: (all) => new Set(all.filter((one) => isOf(one, floatingPromises) && one.evidence.rejected === 0)),
  words: ({ floating, rejected, created, ended, alive }) =>
    fragments(
      `${floating} not awaited`,
      `${rejected} rejected`,
      created !== undefined && `${created} begun and ${ended ?? 0} ended`,
      alive !== undefined && `${alive} alive`,
    ),
};

/** What packages start and do not await is their own business, and reported in one line for all. */
function allOfPackages(findings: readonly Finding<FloatingEvidence>[]): Finding<FloatingEvidence>[] {
  const most = [...findings].sort((a, b) => b.count - a.count)[0];
  if (!most) return [];
  const names = [...new Set(findings.map(({ evidence }) => String(evidence.package)))];
  const count = findings.reduce((sum, finding) => sum + finding.count, 0);
  return [
    findingOf(floatingPromises, {
      ...most,
      severity: 'info',
      lostMs: 0,
      count,
      message: `Packages (${names.slice(0, MAX_NAMES).join(', ')}) called async functions ${plural(count, 'time')} without awaiting them, and none failed.`,
      remedy: 'Nothing to change in your code: it is how these packages work.',
      evidence: { floating: count, rejected: 0, package: names.join(', ') },
    }),
  ];
}

/** Unhandled rejections by the line of the call, if that was followed. */
function rejectedCalls(recording: Seen): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { call, count } of rowsOf(recording, 'rejection')) {
    if (call !== null) counts.set(lineKey(call), (counts.get(lineKey(call)) ?? 0) + count);
  }
  return counts;
}

function floating(period: Period, rejections: Map<string, number>): Finding<FloatingEvidence>[] {
  return placesOf(period, 'call').flatMap((place) => {
    const { floating: count, alive } = place.last.entry;
    const rejected = Math.max(place.last.entry.rejected, rejections.get(lineKey(place.location)) ?? 0);
    const isPiled = alive >= PILED_CALLS && count >= PILED_CALLS && growthOf(place, PILED_CALLS) !== null;
    if (count === 0 || (count < REPORTED_CALLS && rejected === 0)) return [];
    return [toFinding(place, count, rejected, isPiled)];
  });
}

function toFinding(place: Place, count: number, rejected: number, isPiled: boolean): Finding<FloatingEvidence> {
  const { entry, trackedMs } = place.last;
  // An older recording does not say who made it, unless the place is a package's own line.
  const maker = entry.package ?? packageNameOf(place.location.file);
  const failed = rejected > 0 ? `; it was rejected ${plural(rejected, 'time')}` : '';
  const piled = isPiled ? `; ${entry.alive} of these calls have not ended` : '';
  return placeFinding(floatingPromises, {
    kind: 'floating',
    severity: rejected > 0 || isPiled ? 'warning' : 'info',
    message: `${nameOf(place.location)} called this ${plural(count, 'time')} in ${secondsText(trackedMs)} without awaiting it${failed}${piled}.`,
    place,
    count,
    confidence: CONFIDENCE.compared,
    evidence: {
      floating: count,
      rejected,
      created: entry.created,
      ended: entry.ended,
      alive: entry.alive,
      ...(maker !== null && { package: maker }),
    },
  });
}
