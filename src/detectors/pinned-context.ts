/** What requests start and leave alive keeps the AsyncLocalStorage store of each: the kind pinned-context of leak-suspect. */

import type { View } from '../recording/types.ts';
import { rowsOf } from '../recording/types.ts';
import { formatBytes } from '../util/text.ts';
import { nameOf } from './code-words.ts';
import { CONFIDENCE } from './confidence.ts';
import { GOES_ON, goesOn } from './goes-on.ts';
import { type GrowthEvidence, growthEvidence, growthOf, growthText } from './growth.ts';
import { heapRiseOf } from './heap-growth.ts';
import type { KEPT_ROWS } from './kept-objects.ts';
import { placeFinding } from './place-findings.ts';
import { percent } from './severity.ts';
import type { Detector, Finding, KindText } from './types.ts';
import { type PERIOD_ROWS, periodsOf, placesOf } from './unfinished.ts';

/** Fewer stores do not fill a heap. */
const GROWN_HANDLES = 50;
/** Of those that were looked at: all but some that were started outside of requests. */
const PINNED_SHARE = 0.8;

export const PINNED_CONTEXT: KindText = {
  kind: 'pinned-context',
  title: 'contexts of requests kept by what they started',
  remedy:
    'Start what outlives the request outside of its context: `context.exit(() => setTimeout(…))`, or once for the module; keep small values in the store, such as an id.',
  example:
    'setTimeout(() => cache.delete(key), HOUR);                       // keeps the request for an hour\ncontext.exit(() => setTimeout(() => cache.delete(key), HOUR));   // keeps the key',
};

export const PINNED_THRESHOLD = `warning: the heap grows (as for growing-heap), and ${GROWN_HANDLES} timers, sockets or other resources from one line are alive, ${percent(PINNED_SHARE)} of them with a store of an AsyncLocalStorage, ${growthText('ended')}; info ${GOES_ON}.`;

export interface PinnedEvidence extends GrowthEvidence {
  /** Node's name of the resource. */
  type: string;
  /** Of those alive, that keep a store. */
  pinned: number;
  /** That the heap grows by. */
  perSecondBytes: number;
}

type Seen = View<(typeof KEPT_ROWS)[number] | (typeof PERIOD_ROWS)[number]>;

export function pinnedContexts<E extends object>(
  rule: Pick<Detector<E>, 'id' | 'kinds' | 'remedy'>,
  recording: Seen,
): Finding<PinnedEvidence>[] {
  const heap = heapRiseOf(recording, 'oldBytes') ?? heapRiseOf(recording, 'externalBytes');
  if (!heap || rowsOf(recording, 'unfinished').length === 0) return [];
  return periodsOf(recording).flatMap((period) =>
    placesOf(period, 'handle').flatMap((place) => {
      const { alive, type, pinned = 0 } = place.last.entry;
      const growth = pinned >= alive * PINNED_SHARE ? growthOf(place, GROWN_HANDLES) : null;
      if (growth === null || growth.inbound) return [];
      const what = type === 'Timeout' ? 'timers' : `resources (${type})`;
      return [
        placeFinding<PinnedEvidence>(rule as Pick<Detector<PinnedEvidence>, 'id' | 'kinds' | 'remedy'>, {
          kind: PINNED_CONTEXT.kind,
          severity: goesOn(recording) ? 'warning' : 'info',
          message: `${alive} ${what} started in ${nameOf(place.location)} each keep the AsyncLocalStorage store of whatever started them, while the heap grows by ${formatBytes(heap.bytesPerSecond)} per second.`,
          place,
          count: alive,
          // Each was seen to hold one; that this is what fills the heap was not.
          confidence: CONFIDENCE.compared,
          evidence: {
            ...growthEvidence(growth),
            ...{ type, pinned: Math.round(pinned), perSecondBytes: Math.round(heap.bytesPerSecond) },
          },
        }),
      ];
    }),
  );
}
