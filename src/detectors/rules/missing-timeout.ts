import type { View } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import { isContended } from '../backlog.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { fragments } from '../finding.ts';
import {
  aboutText,
  awakeMs,
  estimatedOf,
  GROWN_CALLS,
  type Growth,
  growthOf,
  growthText,
  INBOUND_SHARE,
  STUCK_RATIO,
  type Stuck,
  stuckOf,
} from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { STUCK_MS } from '../limits.ts';
import { type AwaitedEvidence, awaitedOf, countText, innermost, onePerLine, placeFinding } from '../place-findings.ts';
import { hasBroken, ownReactions } from '../reactions.ts';
import { round, secondsText } from '../severity.ts';
import { STALL_ROWS } from '../stalls.ts';
import { type TakenPool, takenPoolOf, takenText } from '../taken-pools.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf } from '../unfinished.ts';
import { ownAwaits } from '../wait-chains.ts';
import { isLoop, isPooledVia, reads, viaOf, waitsOf } from '../waits.ts';

/** With fewer that ended, it is not known how long an answer takes. */
const ENDED_CALLS = 10;
/** As long as the usual time-outs of clients: what has one has ended by then. */
const HUNG_MS = 30_000;
/** One may be a long poll; three at one line that are never answered are not. */
const HUNG_CALLS = 3;
/** Loops that poll hold a request for up to a minute, on purpose. */
const POLLED_MS = 61_000;
export interface TimeoutEvidence extends AwaitedEvidence {
  alive: number;
  estimated?: true;
  created: number;
  ended: number;
  oldestMs: number;
  /** The longest that one took which ended. */
  endedMaxMs?: number;
  /** The pool of connections in which they are, if all of it is taken. */
  pool?: TakenPool;
}

const READS = [...PERIOD_ROWS, ...STALL_ROWS, 'cpu', 'waits'] as const;
type Seen = View<(typeof READS)[number]>;

export const missingTimeout: Detector<TimeoutEvidence, typeof READS> = {
  id: 'missing-timeout',
  title: 'missing timeout',
  description:
    'Calls wait for the network and nothing ends the wait: no answer arrives, and the waiting functions set no timer. They keep a ' +
    'socket, their memory, and everything that waits for them.',
  remedy:
    'Give the request a timeout: `signal: AbortSignal.timeout(ms)`; one for the connection and one for the whole.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `stuck: a call that waits ${STUCK_MS} ms for the network, while ${ENDED_CALLS} that began later ended within a ${STUCK_RATIO}th of that time (in a loop ${POLLED_MS} ms).`,
    `hung: ${HUNG_CALLS} calls that wait ${HUNG_MS} ms, where none ever ended.`,
    `growing: ${GROWN_CALLS} calls, ${growthText('ended')}.`,
    'info: growing on a busy host, where some are answered.',
    'ignored: if a timer is alive in the function that waits, or in the one that made the promise.',
  ],
  limits: [
    'A timeout that a client library keeps in a timer of its own is recognised only if the timer was made by a function that waits.',
    'Polling loops may hold a request for a minute before it is reported.',
  ],
  kinds: [
    {
      kind: 'network',
      title: 'answers that never come',
      remedy:
        'Give the request a timeout: `signal: AbortSignal.timeout(ms)`; one for the connection and one for the whole.',
      example:
        'const answer = await fetch(url);                                        // as long as it takes\nconst answer = await fetch(url, { signal: AbortSignal.timeout(5000) }); // 5 s',
    },
  ],
  detect: (recording) => innermost(onePerLine(periodsOf(recording).flatMap((period) => unanswered(period, recording)))),
  explains: [{ rule: 'leaked-handles' }, ...KEEPS_MEMORY],
  words: ({ alive, estimated, created, ended, oldestMs, endedMaxMs }) =>
    fragments(
      `${aboutText(alive, estimated)} alive`,
      `${created} begun and ${ended} ended`,
      `the oldest for ${formatMs(oldestMs)}`,
      endedMaxMs !== undefined && `others ended within ${formatMs(endedMaxMs)}`,
    ),
};

function unanswered(period: Period, recording: Seen): Finding<TimeoutEvidence>[] {
  const waits = waitsOf(period);
  return [...ownAwaits(period, recording), ...ownReactions(period)].flatMap((place) => {
    const { entry } = place.last;
    if (!waits.network(place) || waits.timer(place) || reads(entry)) return [];
    const looped = isLoop(entry);
    const stuck = stuckOf(place, recording, { oldestMs: looped ? POLLED_MS : STUCK_MS, ended: ENDED_CALLS });
    const pool = takenPoolOf([place.location, ...entry.callers], entry.alive, place.last.t, recording);
    if (stuck) return [toFinding(place, stuck.alive, stuck.oldestMs, besideText(stuck), pool)];
    if (looped) return [];
    const growth = growthOf(place, GROWN_CALLS);
    if (entry.what === 'reaction' && !hasBroken(growth)) return [];
    // A tunnel is open as long as it likes; calls that used to end are none.
    if (isTunnel(place) && (growth?.inbound ?? true) && !growth?.broke) return [];
    if (growth) return [grownFinding(place, growth, pool, recording)];
    const hungMs = entry.oldestMs < HUNG_MS ? 0 : awakeMs(recording, place.last);
    const isHung = (entry.followed ?? entry.alive) >= HUNG_CALLS && hungMs >= HUNG_MS && entry.ended === 0;
    return isHung ? [toFinding(place, entry.alive, hungMs, '; none was ever answered', pool)] : [];
  });
}

/** One for each connection from outside, open as long as both sides want; not a request of Node's own clients. */
function isTunnel({ last: { entry, inbound } }: Place): boolean {
  return inbound >= INBOUND_SHARE * entry.alive && !isPooledVia(viaOf(entry));
}

/** Where others have the core and answers still come, whoever answers may only be slow: it is often on the same host. */
function grownFinding(place: Place, growth: Growth, pool: TakenPool | null, recording: Seen): Finding<TimeoutEvidence> {
  const finding = toFinding(place, growth.alive, growth.oldestMs, grownText(growth), pool);
  const isSlow = place.last.entry.ended > 0 && !growth.broke && isContended(recording, growth.spanMs);
  return isSlow ? { ...finding, severity: 'info', confidence: CONFIDENCE.weak } : finding;
}

function besideText({ ended, endedMaxMs }: Stuck): string {
  return `, while ${ended} that began later were answered within ${round(endedMaxMs)} ms`;
}

function grownText({ grown, spanMs }: Growth): string {
  return `; ${grown} more than ${secondsText(spanMs)} earlier`;
}

function toFinding(
  place: Place,
  count: number,
  oldestMs: number,
  more: string,
  pool: TakenPool | null,
): Finding<TimeoutEvidence> {
  const { alive, created, ended, endedMaxMs } = place.last.entry;
  const calls = count === 1 ? '1 call waits' : `${countText(place, count)} calls wait`;
  return placeFinding(missingTimeout, {
    kind: 'network',
    severity: 'warning',
    message: `${calls} in ${nameOf(place.location)} for the network without a timeout, the oldest for ${secondsText(oldestMs)}${more}.${pool ? takenText(pool) : ''}`,
    place,
    count,
    confidence: CONFIDENCE.compared,
    evidence: {
      alive,
      ...estimatedOf(place.last),
      created,
      ended,
      oldestMs: round(oldestMs),
      ...(endedMaxMs !== null && { endedMaxMs: round(endedMaxMs) }),
      ...awaitedOf(place.last.entry),
      ...(pool && { pool }),
    },
  });
}
