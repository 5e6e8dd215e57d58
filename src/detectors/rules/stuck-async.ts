import { functionKey } from '../../recording/places.ts';
import type { View } from '../../recording/types.ts';
import { UNSETTLED_EXIT_CODE } from '../../util/exit-codes.ts';
import { formatMs } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments, isOf } from '../finding.ts';
import { ENDED_CALLS, growthOfCalls, isSubscriber } from '../growing-calls.ts';
import { STUCK_RATIO, type Stuck, stuckOf } from '../growth.ts';
import { STUCK_MS } from '../limits.ts';
import {
  type AwaitedEvidence,
  awaitedOf,
  innermost,
  nameAndLine,
  onePerLine,
  placeFinding,
} from '../place-findings.ts';
import { ownReactions } from '../reactions.ts';
import { round, secondsText } from '../severity.ts';
import { STALL_ROWS } from '../stalls.ts';
import { topLevelWait } from '../top-level.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf } from '../unfinished.ts';
import { fewPassed } from '../unseen.ts';
import { ownAwaits } from '../wait-chains.ts';
import { isLoop, isRecursive, laterSteps, reads, waitsOf } from '../waits.ts';

/** One may wait for the end of the program; three are a pattern. */
const STUCK_CALLS = 3;

/** Of those that wait in a caller: of what is read, less may be followed. */
const SMALL_SHARE = 0.1;

export interface StuckEvidence extends AwaitedEvidence {
  alive: number;
  oldestMs: number;
  /** Those that began later and ended, and the longest that one of them took. */
  ended: number;
  endedMaxMs: number;
}

const READS = [...PERIOD_ROWS, ...STALL_ROWS, 'waits'] as const;
type Seen = View<(typeof READS)[number]>;

export const stuckAsync: Detector<StuckEvidence, typeof READS> = {
  id: 'stuck-async',
  title: 'stuck calls',
  description:
    'Some calls wait at an await that others pass quickly: calls that began later have ended long ago. If such calls grow in ' +
    'number, growing-pending-async reports them; if they wait for the network, missing-timeout does. Stream readers, loops, waits ' +
    'for timers and connections that listen are ignored. Also the await at the top level of a module that was left when the program had ' +
    `nothing more to do (exit code ${UNSETTLED_EXIT_CODE}).`,
  remedy: 'Find the case in which the awaited promise is never settled, and give the wait a timeout meanwhile.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${STUCK_CALLS} calls at one await, the oldest for ${STUCK_MS} ms, while ${ENDED_CALLS} that began later ended, within a ${STUCK_RATIO}th of that time.`,
  ],
  limits: [
    fewPassed(
      `Needs at least ${ENDED_CALLS} calls that passed the same await for comparison.`,
      STUCK_CALLS,
      ENDED_CALLS,
    ),
    'A top level that awaits a promise that nothing else refers to is not found, as V8 has collected both.',
  ],
  kinds: [
    {
      kind: 'stuck',
      title: 'calls that wait where others pass',
      remedy: 'Find the case in which the awaited promise is never settled, and give the wait a timeout meanwhile.',
      example:
        "worker.once('done', resolve);                                   // and when it fails?\nworker.once('done', resolve).once('error', reject);              // settled in every case",
    },
    {
      kind: 'answer',
      title: 'answers that begin and never end',
      remedy:
        'Read or cancel the whole body of each answer, that of a `clone()` as well: a copy that nobody reads stops the original once its buffer is full. Give the whole a timeout.',
      example:
        'cache.set(url, response.clone()); return response.json();        // the copy is never read\nconst text = await response.text(); cache.set(url, text);        // read once',
    },
    {
      kind: 'top-level',
      title: 'a program that ended while its top level waited',
      remedy:
        'Settle the awaited promise in every case. If something outside was to settle it, keep that open: a timer, socket or worker that was unref()ed or closed keeps no program alive.',
      example:
        "await once(worker.unref(), 'message');                           // nothing keeps the program alive\nawait once(worker, 'message'); worker.unref();                   // until it has answered",
    },
  ],
  detect: (recording) => [
    ...innermost(onePerLine(periodsOf(recording).flatMap((period) => stuckIn(period, recording)))),
    ...unsettledIn(recording),
  ],
  explains: [
    { rule: 'leak-suspect' },
    // Whoever calls what waits for the rest of an answer waits for the network as well.
    { of: ['answer'], ofMinor: false, rule: 'missing-timeout' },
    { of: ['answer'], ofMinor: false, rule: 'growing-pending-async' },
  ],
  minor: smallParts,
  words: ({ alive, oldestMs, ended, endedMaxMs }) =>
    fragments(
      `${alive} alive`,
      oldestMs > 0 && `the oldest for ${formatMs(oldestMs)}`,
      ended > 0 && `${ended} others ended within ${formatMs(endedMaxMs)}`,
    ),
};

/** Answers, where most of those that wait for the network in a caller have none yet. */
function smallParts(all: readonly Finding[]): Set<Finding> {
  const waiting = new Map<string, number>();
  for (const { rule, location, count } of all)
    if (rule === 'missing-timeout' && location) waiting.set(functionKey(location), count);
  return new Set(
    all.filter((one) => {
      if (!isOf(one, stuckAsync)) return false;
      const counts = one.stack.slice(1).map((caller) => waiting.get(functionKey(caller)) ?? 0);
      return one.count < Math.max(0, ...counts) * SMALL_SHARE;
    }),
  );
}

/** What explains exit code 13. */
function unsettledIn(recording: Seen): Finding<StuckEvidence>[] {
  const wait = topLevelWait(recording);
  if (!wait) return [];
  const [location, ...callers] = wait.path;
  const top = callers.length > 0 ? `, for which the top level waited at ${nameAndLine(callers.at(-1)!)}` : '';
  return [
    findingOf(stuckAsync, {
      kind: 'top-level',
      severity: 'critical',
      message: `The program ended with exit code ${UNSETTLED_EXIT_CODE}: nothing was left that could settle what ${nameOf(location!)} awaits${top}.`,
      location: location!,
      stack: wait.path,
      count: 1,
      confidence: CONFIDENCE.counted,
      evidence: { alive: 1, oldestMs: 0, ended: 0, endedMaxMs: 0 },
      lostMs: 0,
    }),
  ];
}

function stuckIn(period: Period, recording: Seen): Finding<StuckEvidence>[] {
  const waits = waitsOf(period);
  const steps = new Set([...laterSteps(period), ...ownReactions(period)]);
  return [...ownAwaits(period, recording), ...steps].flatMap((place) => {
    const { entry } = place.last;
    const stuck = stuckOf(place, recording, { oldestMs: STUCK_MS, ended: ENDED_CALLS });
    if (stuck === null || stuck.alive < STUCK_CALLS || growthOfCalls(place, waits, recording) !== null) return [];
    if (reads(entry) || isSubscriber(place) || isLoop(entry) || isRecursive(place)) return [];
    if (waits.timer(place) || waits.network(place)) return [];
    return [toFinding(place, stuck, waits.answered(place) ? 'answer' : 'stuck')];
  });
}

function toFinding(
  place: Place,
  { alive, oldestMs, ended, endedMaxMs }: Stuck,
  kind: 'answer' | 'stuck',
): Finding<StuckEvidence> {
  const what = kind === 'answer' ? 'wait for the rest of an answer that has begun' : 'are stuck';
  return placeFinding(stuckAsync, {
    kind,
    severity: 'warning',
    message: `${alive} calls ${what} in ${nameOf(place.location)}, the oldest for ${secondsText(oldestMs)}, while ${ended} that began later ended within ${round(endedMaxMs)} ms.`,
    place,
    count: alive,
    confidence: CONFIDENCE.compared,
    evidence: {
      alive,
      oldestMs: round(oldestMs),
      ended,
      endedMaxMs: round(endedMaxMs),
      ...awaitedOf(place.last.entry),
    },
  });
}
