import { lineKey } from '../../recording/places.ts';
import type { Location, View } from '../../recording/types.ts';
import { formatMs, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { awakeMs } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { NESTED_THRESHOLD, type NestedEvidence, nestedLimits } from '../nested-limits.ts';
import { onePerLine, placeFinding } from '../place-findings.ts';
import { percent, round, secondsText } from '../severity.ts';
import { STALL_ROWS } from '../stalls.ts';
import type { Detector, Finding } from '../types.ts';
import { looksOf, PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';
import { neededWhole } from '../unseen.ts';
import { isNetwork } from '../waits.ts';

/** Longer than a lock is held on purpose by anything that awaits. */
const STUCK_MS = 3000;
/** Those that wait for each other began to wait at about the same time. */
const ALIKE_MS = 1000;
/** The same for long waits, as a share of the longer one. */
const ALIKE_SHARE = 0.2;
/** Listed; all of them wait for the same cycle. */
const MAX_QUEUE = 8;

interface CycleEvidence {
  /** In the cycle and in its queue. */
  suspendedCalls: number;
  oldestMs: number;
  /** What is awaited in the cycle, by its text. */
  locks: string[];
}

/** What is awaited to have something to oneself, by the names that libraries and people give it. */
const LOCKING = /acquire|claim|down|enter|hold|lock|mutex|obtain|reserve|seize|semaphore|take|wait/i;

export type DeadlockEvidence = CycleEvidence | NestedEvidence;

const READS = [...PERIOD_ROWS, ...STALL_ROWS, 'suspended', 'waits'] as const;
type Seen = View<(typeof READS)[number]>;

export const asyncDeadlock: Detector<DeadlockEvidence, typeof READS> = {
  id: 'async-deadlock',
  title: 'async deadlock',
  description:
    'Async calls wait for each other: one holds the first lock and awaits the second, another holds the second and awaits the ' +
    'first. The text of the awaits forms a cycle, and no call has passed it since. Or all calls that hold a slot of a limit, or a ' +
    'connection of a pool, wait for another one of the same. Everything that needs one queues up behind them.',
  remedy:
    'Take the locks in the same order everywhere, or give `acquire` a timeout and release what is held when it fires.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `critical: awaits, each for what another one awaited before, stuck for ${STUCK_MS} ms, for about the same time (${ALIKE_MS} ms or ${percent(ALIKE_SHARE)}), with none ended since the row before.`,
    NESTED_THRESHOLD,
  ],
  limits: [
    'Of a cycle, only locks that are awaited one after the other in your own functions are recognised.',
    'Who holds a slot is seen by the awaits of async functions: where functions return what the limit gives them without awaiting it, by where promises were made; of code that uses callbacks alone, nothing is known.',
    'Contention in which some calls still get through is not reported.',
    neededWhole(
      'Where not all calls are followed, it is seen only if the thread idles then, and its heap is small: such a heap is looked through.',
      'who waits for whom is known in part',
    ),
  ],
  kinds: [
    {
      kind: 'cycle',
      title: 'locks taken in different order',
      remedy:
        'Take the locks in the same order everywhere, or give `acquire` a timeout and release what is held when it fires.',
      example:
        'await from.lock.acquire(); await to.lock.acquire();              // and the other way round elsewhere\nfor (const account of inOrderOfId(from, to)) await account.lock.acquire();',
    },
    {
      kind: 'nested-limit',
      title: 'a limit within itself',
      remedy:
        'Use the connection or slot that is already held for what is done within, or give the inner work a limit or pool of its own.',
      example:
        "await db.transaction(async (trx) => { … await db('stock') … });   // takes a second connection while it holds one\nawait db.transaction(async (trx) => { … await trx('stock') … });  // the one that it has",
    },
  ],
  detect: (recording) =>
    onePerLine<DeadlockEvidence>(
      [...periodsOf(recording), ...looksOf(recording)].flatMap((period) => [
        ...deadlocks(period, recording),
        ...nestedLimits(asyncDeadlock, period, recording),
      ]),
    ),
  explains: [
    { rule: 'growing-pending-async', of: ['nested-limit'] },
    { rule: 'stuck-async', of: ['nested-limit'] },
    { rule: 'missing-timeout', of: ['nested-limit'] },
    { rule: 'cancellation-without-cleanup' },
    ...KEEPS_MEMORY,
  ],
  words: (evidence) => [
    ...('holding' in evidence
      ? [`${evidence.holding} held`, `${evidence.waiting} waiting behind`]
      : [plural(evidence.suspendedCalls, 'suspended call')]),
    `the oldest for ${formatMs(evidence.oldestMs)}`,
  ],
};

/** A suspended call: what it awaits, and what it awaited before and may have. */
interface Waiter {
  place: Place;
  ageMs: number;
  wants: string;
  has: ReadonlySet<string>;
}

function deadlocks(period: Period, recording: Seen): Finding<CycleEvidence>[] {
  const places = placesOf(period, 'await');
  const waiters = places.flatMap((place) => waiterOf(place, recording));
  const seen = new Set<Waiter>();
  return waiters.flatMap((waiter) => {
    const cycle = seen.has(waiter) ? null : cycleFrom(waiter, waiters);
    for (const member of cycle ?? []) seen.add(member);
    return cycle === null ? [] : [toFinding(cycle, queueOf(cycle, places))];
  });
}

function waiterOf(place: Place, recording: Seen): Waiter[] {
  const { last, readings } = place;
  const { alive, code, before, ended, endedSinceOldest, oldestMs } = last.entry;
  const wants = lockOf(code ?? '');
  const previous = readings.at(-2);
  const moves = previous ? previous.entry.ended !== ended : endedSinceOldest > 0;
  if (alive === 0 || wants === null || oldestMs < STUCK_MS || moves || isNetwork(last.entry)) return [];
  const ageMs = awakeMs(recording, last);
  const has = new Set(
    (before ?? []).map(lockOf).filter((lock) => lock !== null && lock !== wants && sameMethod(lock, wants)),
  );
  return ageMs < STUCK_MS || has.size === 0 ? [] : [{ place, ageMs, wants, has: has as Set<string> }];
}

/** "a.acquire()" of "await a . acquire( )": receiver, method and arguments; null where nothing is taken. */
function lockOf(code: string): string | null {
  const text = code
    .replace(/\s+/g, '')
    .replace(/^await(?=[\w$(])/, '')
    .replace(/;$/, '');
  const call = /^[^()]*\([^()]*\)/.exec(text)?.[0];
  return call !== undefined && LOCKING.test(call.replace(/\(.*/, '')) ? call : null;
}

function sameMethod(a: string, b: string): boolean {
  const methodOf = (text: string) => /([\w$#]+)\(/.exec(text)?.[1];
  return methodOf(a) === methodOf(b);
}

/** The shortest way from one who waits, over those who have what is wanted, back to it. */
function cycleFrom(start: Waiter, waiters: readonly Waiter[]): Waiter[] | null {
  const paths: Waiter[][] = [[start]];
  const reached = new Set<Waiter>([start]);
  for (const path of paths) {
    const wants = path.at(-1)!.wants;
    if (path.length > 1 && start.has.has(wants)) return path;
    for (const next of waiters) {
      if (reached.has(next) || !next.has.has(wants) || !alike(start.ageMs, next.ageMs)) continue;
      reached.add(next);
      paths.push([...path, next]);
    }
  }
  return null;
}

function alike(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(ALIKE_MS, Math.max(a, b) * ALIKE_SHARE);
}

/** Awaits elsewhere of the locks that the cycle keeps. */
function queueOf(cycle: readonly Waiter[], places: readonly Place[]): Place[] {
  const kept = new Set(cycle.map(({ wants }) => wants));
  const members = new Set(cycle.map(({ place }) => place));
  const isQueued = (place: Place) => place.last.entry.alive > 0 && kept.has(lockOf(place.last.entry.code ?? '') ?? '');
  return places.filter((place) => !members.has(place) && isQueued(place));
}

function toFinding(cycle: readonly Waiter[], queue: readonly Place[]): Finding<CycleEvidence> {
  const names = cycle.map(
    ({ place, wants }) => `${nameOf(place.location)} (line ${place.location.line}) waits for ${wants}`,
  );
  const ageMs = Math.min(...cycle.map((waiter) => waiter.ageMs));
  const waiting = [...cycle.map(({ place }) => place), ...queue].reduce((sum, { last }) => sum + last.entry.alive, 0);
  const stack = cycle.map(({ place }) => place.location);
  return placeFinding(asyncDeadlock, {
    kind: 'cycle',
    severity: 'critical',
    message: `${plural(waiting, 'call waits', 'calls wait')} for each other for ${secondsText(ageMs)}: ${names.join(', and ')}.`,
    place: cycle[0]!.place,
    stack,
    alsoAt: distinct(queue.map(({ location }) => location)).slice(0, MAX_QUEUE),
    count: waiting,
    confidence: CONFIDENCE.compared,
    evidence: { suspendedCalls: waiting, oldestMs: round(ageMs), locks: cycle.map(({ wants }) => wants) },
  });
}

function distinct(places: readonly Location[]): Location[] {
  return [...new Map(places.map((place) => [lineKey(place), place])).values()];
}
