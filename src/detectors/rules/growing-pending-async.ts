import { CONFIDENCE } from '../confidence.ts';
import { GROWN_CALLS, type Growth, type GrowthEvidence, growthEvidence, growthOf, growthWords } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import {
  type AwaitedEvidence,
  awaitedOf,
  innermost,
  nameOf,
  onePerLine,
  placeFinding,
  secondsText,
} from '../place-findings.ts';
import type { Detector, Finding } from '../types.ts';
import { type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';
import { functionsWith, isLoop, isRecursive, isWithin, listens, reads, viaOf, waitsOf } from '../waits.ts';

export interface PendingEvidence extends GrowthEvidence, AwaitedEvidence {}

export const growingPendingAsync: Detector<PendingEvidence> = {
  id: 'growing-pending-async',
  title: 'growing number of suspended calls',
  description:
    'More and more calls are suspended at one await and none of the old ones ends: nobody settles what they await. Each keeps its ' +
    'variables alive. A number that stays level, calls that wait for timers or child processes, and connections that wait for ' +
    'their next message are not leaks.',
  remedy:
    'Settle what is awaited in every case, the failed ones included, or give up by a time-out; then delete the entry that holds it.',
  needs: ['unfinished'],
  thresholds: [
    `warning: ${GROWN_CALLS} calls suspended at one place, more in three of four rows over 4 s after the first 1.5 s, at most a quarter of the new ones ended, and the oldest still there.`,
    'info: the same, where as many connections or requests from outside are open.',
  ],
  limits: [
    'Needs what is tracked at level diagnose; level watch tracks for some seconds after a trigger.',
    'Calls that began before tracking started are not counted.',
  ],
  kinds: [
    {
      kind: 'suspended',
      title: 'calls that await what is never settled',
      remedy:
        'Settle what is awaited in every case, the failed ones included, or give up by a time-out; then delete the entry that holds it.',
      example:
        'pending.set(id, resolve);                                       // no reply: forever\nconst signal = AbortSignal.timeout(5000);                       // gives up\nsignal.onabort = () => { pending.delete(id); reject(signal.reason); };',
    },
  ],
  detect: (recording) => innermost(onePerLine(periodsOf(recording).flatMap(suspended))),
  explains: [{ rule: 'stuck-async' }, ...KEEPS_MEMORY],
  words: growthWords,
};

function suspended(period: Period): Finding<PendingEvidence>[] {
  const waits = waitsOf(period);
  const children = functionsWith(period, ({ type }) => type === 'PROCESSWRAP');
  return placesOf(period, 'await').flatMap((place) => {
    const growth = growthOf(place, GROWN_CALLS);
    if (growth === null || isLoop(place.last.entry) || isRecursive(place)) return [];
    // Those are missing-timeout's.
    if (waits.network(place) || waits.timer(place)) return [];
    if (viaOf(place.last.entry).includes('child_process') || isWithin(children, place)) return [];
    if (growth.inbound && (listens(place.last.entry) || reads(place.last.entry))) return [];
    return [toFinding(place, growth)];
  });
}

function toFinding(place: Place, growth: Growth): Finding<PendingEvidence> {
  const { alive, grown, oldestMs, spanMs, inbound } = growth;
  return placeFinding(growingPendingAsync, {
    kind: 'suspended',
    severity: inbound ? 'info' : 'warning',
    message: `${alive} calls are suspended in ${nameOf(place.location)}, ${grown} more than ${secondsText(spanMs)} before, the oldest for ${secondsText(oldestMs)}.`,
    place,
    count: alive,
    // The calls were counted; but who waits need not be the reason.
    confidence: inbound ? CONFIDENCE.weak : CONFIDENCE.compared,
    evidence: { ...growthEvidence(growth), ...awaitedOf(place.last.entry) },
  });
}
