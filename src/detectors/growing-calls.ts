/** Whether calls at one await grow in number, also where others pass it quickly. */
import { GROWN_CALLS, type Growth, growthOf, INBOUND_SHARE, keepsUnanswered, stuckOf } from './growth.ts';
import { STUCK_MS } from './limits.ts';
import type { StallView } from './stalls.ts';
import type { Place } from './unfinished.ts';
import { listens, reads, type waitsOf } from './waits.ts';

/** With fewer that ended, it is not known how long it takes. */
export const ENDED_CALLS = 20;

/** Others that wait at the same place, and end: they do not make a leak of the rest less. */
export function growthOfCalls(place: Place, waits: ReturnType<typeof waitsOf>, recording: StallView): Growth | null {
  const growth = growthOf(place, GROWN_CALLS);
  if (growth !== null || reads(place.last.entry) || isSubscriber(place) || waits.answered(place)) return growth;
  const stuck = stuckOf(place, recording, { oldestMs: STUCK_MS, ended: ENDED_CALLS });
  const beside = stuck && growthOf(place, GROWN_CALLS, Number.POSITIVE_INFINITY);
  // Requests from outside that are answered meanwhile are those of others.
  return beside && { ...beside, inbound: beside.inbound && !keepsUnanswered(place) };
}

/** One for each connection from outside, which waits for further requests. */
export function isSubscriber({ last: { entry, inbound } }: Place): boolean {
  return listens(entry) && inbound >= INBOUND_SHARE * entry.alive;
}
