import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { type Growth, type GrowthEvidence, growthEvidence, growthOf, growthText, growthWords } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { countText, onePerLine, placeFinding } from '../place-findings.ts';
import { secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';

/** Twice the number at which Node warns of an emitter. */
const GROWN_LISTENERS = 20;
/** Of those by which the emitter has more, added on this line. */
const OWN_SHARE = 0.1;

const REMEDY = 'Remove the listener where its work ends, or add it with `{ once: true }` or a `signal`.';

export interface ListenersEvidence extends GrowthEvidence {
  /** Class and event: "Bus price". */
  target: string;
}

const READS = [...PERIOD_ROWS] as const;

export const leakedListeners: Detector<ListenersEvidence, typeof READS> = {
  id: 'leaked-listeners',
  title: 'leaked listeners',
  description:
    'One emitter, event target or signal gets more and more listeners from one line and none is removed. Each keeps alive what it ' +
    'refers to and is called for every event. Node warns of emitters only, once, and never of an AbortSignal.',
  remedy: REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${GROWN_LISTENERS} listeners of one event, ${growthText('removed')}.`,
    'ignored: if as many connections or requests from outside are open, and those that Node adds for a worker thread.',
  ],
  limits: ['One listener per incoming connection is normal and is not reported.'],
  kinds: [
    {
      kind: 'abort-signal',
      title: 'listeners of an AbortSignal',
      remedy:
        'Remove the listener where its work ends, or give each unit of work a signal of its own: `AbortSignal.any([signal])`.',
      example:
        "shutdown.addEventListener('abort', stop);                    // one per request\nshutdown.addEventListener('abort', stop, { signal: done });  // gone when done",
    },
    {
      kind: 'emitter',
      title: 'listeners of an EventEmitter',
      remedy: REMEDY,
      example:
        "bus.on('price', send);                                                      // one per request\nbus.on('price', send); response.on('close', () => bus.off('price', send));",
    },
    {
      kind: 'event-target',
      title: 'listeners of an EventTarget',
      remedy: REMEDY,
      example: "target.addEventListener('done', next);\ntarget.addEventListener('done', next, { once: true });",
    },
  ],
  detect: (recording) => onePerLine(periodsOf(recording).flatMap(leaked)),
  explains: [{ rule: 'growing-pending-async' }, ...KEEPS_MEMORY],
  words: growthWords,
};

function leaked(period: Period): Finding<ListenersEvidence>[] {
  return placesOf(period, 'listener').flatMap((place) => {
    const growth = growthOf(place, GROWN_LISTENERS);
    const { type, via } = place.last.entry;
    // Node forwards the output of each thread by listeners of its own: growing-workers counts threads.
    if (via.includes('worker')) return [];
    const isKnown = leakedListeners.kinds.some(({ kind }) => kind === type);
    if (growth === null || growth.inbound || !isKnown) return [];
    // All listeners of the emitter count, also where another line adds them.
    return growth.created < growth.grown * OWN_SHARE ? [] : [toFinding(place, growth)];
  });
}

function toFinding(place: Place, growth: Growth): Finding<ListenersEvidence> {
  const { type, detail } = place.last.entry;
  const of = detail ? ` of ${detail}` : '';
  return placeFinding(leakedListeners, {
    kind: type,
    severity: 'warning',
    message: `${countText(place, growth.alive)} listeners${of} were added in ${nameOf(place.location)} and not removed, ${growth.grown} of them in ${secondsText(growth.spanMs)}.`,
    place,
    count: growth.alive,
    confidence: CONFIDENCE.counted,
    evidence: { ...growthEvidence(growth), target: detail },
  });
}
