import { plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { WARM_UP_MS } from '../growth.ts';
import { type AwaitedEvidence, awaitedOf, innermost, onePerLine, placeFinding } from '../place-findings.ts';
import { percent, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';
import { NOTHING_COLLECTED } from '../unseen.ts';
import { isLoop, listens, reads } from '../waits.ts';

/** Now and then a call is dropped on purpose. */
const REPORTED_CALLS = 3;
/** A few are dropped on purpose; ten at one await are a pattern. */
const LOST_CALLS = 10;
/** If most calls get through, the lost ones may be the losers of a race. */
const LOST_SHARE = 0.5;

export interface LostEvidence extends AwaitedEvidence {
  lost: number;
  /** Share of those that began after the warm-up. 0..1 */
  lostShare: number;
  created: number;
  ended: number;
}

const READS = [...PERIOD_ROWS, 'gc'] as const;

export const lostAsync: Detector<LostEvidence, typeof READS> = {
  id: 'lost-async',
  title: 'lost calls',
  description:
    'Async functions were garbage-collected while suspended: nothing could ever settle what they awaited. The code after the await ' +
    'never ran, including its catch and finally blocks.',
  remedy:
    'Keep whatever settles the promise (the request, the emitter, the resolve function) reachable until it does, and settle it in every case.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${LOST_CALLS} calls lost at one await, and ${percent(LOST_SHARE)} of those that began there after the first ${WARM_UP_MS} ms.`,
    `info: ${REPORTED_CALLS} calls; also more, where they listened to an emitter, read a stream, or stood in a loop.`,
  ],
  limits: [NOTHING_COLLECTED],
  kinds: [
    {
      kind: 'collected',
      title: 'calls collected while they were suspended',
      remedy: 'Keep whatever settles the promise reachable until it does, and settle it in every case.',
      example:
        "await new Promise((resolve) => { job.onDone = resolve; });  // job is dropped: finally never runs\njobs.add(job); try { await once(job, 'done'); } finally { jobs.delete(job); }",
    },
  ],
  detect: (recording) => innermost(onePerLine(periodsOf(recording).flatMap(lostIn))),
  explains: [{ rule: 'floating-promises', isMinor: true }],
  words: ({ lostShare, created, ended }) => [
    `${percent(lostShare)} of the calls`,
    `${created} begun and ${ended} ended`,
  ],
};

function lostIn(period: Period): Finding<LostEvidence>[] {
  return placesOf(period, 'await').flatMap((place) => {
    const lost = place.last.entry.lost;
    return lost < REPORTED_CALLS ? [] : [toFinding(place, lost)];
  });
}

function toFinding(place: Place, lost: number): Finding<LostEvidence> {
  const { entry, trackedMs } = place.last;
  // A listener that is dropped with its emitter usually has nothing left to do.
  const isIdle = listens(entry) || reads(entry) || isLoop(entry);
  const share = lostShare(place);
  const isMost = lost >= LOST_CALLS && share >= LOST_SHARE && !isIdle;
  return placeFinding(lostAsync, {
    kind: 'collected',
    severity: isMost ? 'warning' : 'info',
    message: `${plural(lost, 'call')} of ${nameOf(place.location)} ${lost === 1 ? 'was' : 'were'} collected while suspended, within ${secondsText(trackedMs)}: the code after the await never ran.`,
    place,
    count: lost,
    confidence: isIdle ? CONFIDENCE.indirect : CONFIDENCE.counted,
    evidence: { lost, lostShare: round(share, 3), created: entry.created, ended: entry.ended, ...awaitedOf(entry) },
  });
}

/** Share of the calls that began after the warm-up. */
function lostShare({ readings, last }: Place): number {
  const before = readings.filter(({ trackedMs }) => trackedMs < WARM_UP_MS).at(-1)?.entry;
  const created = last.entry.created - (before?.created ?? 0);
  return created > 0 ? Math.min(1, (last.entry.lost - (before?.lost ?? 0)) / created) : 0;
}
