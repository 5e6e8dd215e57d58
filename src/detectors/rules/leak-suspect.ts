import { SAMPLED_BYTES, SAMPLING_MS } from '../../recording/defaults.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { type Growth, type GrowthEvidence, growthEvidence, growthOf, growthText, growthWords } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { KEPT_OBJECTS, KEPT_ROWS, KEPT_THRESHOLD, type KeptEvidence, keptObjects, keptWords } from '../kept-objects.ts';
import { PINNED_CONTEXT, PINNED_THRESHOLD, type PinnedEvidence, pinnedContexts } from '../pinned-context.ts';
import { countText, onePerLine, placeFinding } from '../place-findings.ts';
import { percent, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';

/** Each costs some 200 bytes: nobody would notice fewer. */
const GROWN_REACTIONS = 500;
/** Each race leaves one reaction, and one of its own ends with it. */
const ENDED_SHARE = 0.6;
/** Share of the pending ones on one promise: a race's own deadline goes with it, though late. */
const ONE_SHARE = 0.5;
const RACE_REMEDY =
  'Race against a promise that is made for this race, and settled after it: `once(signal, "abort", { signal: done })`.';

/** Of kind kept-objects, of kind race, and of kind pinned-context. */
export type LeakEvidence = KeptEvidence | GrowthEvidence | PinnedEvidence;

const READS = [...PERIOD_ROWS, ...KEPT_ROWS] as const;

export const leakSuspect: Detector<LeakEvidence, typeof READS> = {
  id: 'leak-suspect',
  title: 'suspected memory leak',
  description:
    'Something long-lived keeps more and more objects alive. Kind kept-objects: the heap grows from collection to collection, and ' +
    'sampled allocations show which function made most of what is still alive. Kind race: each Promise.race, and each then, adds a ' +
    'reaction to its promises, and a promise that never settles keeps all of them, with the results of the races that are over. Kind pinned-context: timers ' +
    'and the like that outlive the request that started them keep its AsyncLocalStorage store.',
  remedy:
    'Bound what grows, or let go of it when the work is done; wait for what outlives the work in a way that can be taken back.',
  reads: READS,
  needs: [['unfinished', 'allocations', 'gc']],
  thresholds: [
    KEPT_THRESHOLD,
    PINNED_THRESHOLD,
    `warning: ${GROWN_REACTIONS} pending reactions from one line, ${growthText('settled', ENDED_SHARE)}; at least ${percent(ONE_SHARE)} of them on one promise.`,
  ],
  limits: [
    'V8 samples functions, not lines: the line is known only where one line in the function keeps something.',
    'It names who allocates, not who holds: `evdiag leaks PID` names the holder.',
    `At level watch V8 samples only from the first sign of growth on, for at most ${secondsText(SAMPLING_MS)}, and collects all garbage once to see what is still alive, if at most ${SAMPLED_BYTES.watch / 1e6} MB are (diagnose: ${SAMPLED_BYTES.diagnose / 1e6} MB).`,
  ],
  kinds: [
    KEPT_OBJECTS,
    PINNED_CONTEXT,
    {
      kind: 'race',
      title: 'races against a promise that never settles',
      remedy: RACE_REMEDY,
      example:
        'await Promise.race([work(), shutdown]);               // shutdown keeps a reaction of each race\nawait work({ signal: AbortSignal.any([stop, own]) });  // nothing is left',
    },
  ],
  detect(recording) {
    const pinned = onePerLine<LeakEvidence>(pinnedContexts(leakSuspect, recording));
    const named = [...onePerLine<LeakEvidence>(periodsOf(recording).flatMap(raced)), ...pinned];
    const kept = keptObjects(recording);
    if ('noData' in kept) return named.length > 0 ? named : kept;
    const objects = kept.map((one) => findingOf<LeakEvidence>(leakSuspect, one));
    // What the contexts hold is what stays.
    const [context] = pinned;
    if (!context) return [...named, ...objects];
    return named.map((one) => (one === context ? { ...one, symptoms: objects } : one));
  },
  explains: [{ rule: 'lost-async' }, ...KEEPS_MEMORY],
  words: (evidence) =>
    'aliveBytes' in evidence
      ? keptWords(evidence)
      : [...growthWords(evidence), ...('pinned' in evidence ? [`${evidence.pinned} keep a store`] : [])],
};

function raced(period: Period): Finding<LeakEvidence>[] {
  return placesOf(period, 'reaction').flatMap((place) => {
    const { type, alive, onOne = alive } = place.last.entry;
    if (onOne < alive * ONE_SHARE) return [];
    const growth = type === 'race' || type === 'then' ? growthOf(place, GROWN_REACTIONS, ENDED_SHARE) : null;
    return growth === null || growth.inbound ? [] : [toFinding(place, growth)];
  });
}

function toFinding(place: Place, growth: Growth): Finding<LeakEvidence> {
  return placeFinding(leakSuspect, {
    kind: 'race',
    severity: 'warning',
    message: `${countText(place, growth.alive)} reactions made in ${nameOf(place.location)} wait for a promise that does not settle, ${growth.grown} more than ${secondsText(growth.spanMs)} earlier.`,
    place,
    count: growth.alive,
    confidence: CONFIDENCE.compared,
    evidence: growthEvidence(growth),
  });
}
