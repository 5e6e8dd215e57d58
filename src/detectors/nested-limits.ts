/** Calls that hold a slot, a connection or a lock, and wait for another one of the same: findings of async-deadlock. */
import { lineKey, toLocation } from '../recording/places.ts';
import type { View } from '../recording/types.ts';
import { CONFIDENCE } from './confidence.ts';
import { findingOf } from './finding.ts';
import { FROZEN_MS } from './frozen.ts';
import { awakeMs } from './growth.ts';
import { callersOf, type HeldLimit, heldLimits, isDeadlock, ownFrame, ownLines } from './held-limits.ts';
import { type Resource, resourceOf } from './held-resource.ts';
import { nestedAsks } from './nested-asks.ts';
import { nameAndLine } from './place-findings.ts';
import { type ReturnedLimit, returnedLimits } from './returned-limits.ts';
import { LOST_MS, round, secondsText } from './severity.ts';
import type { StallView } from './stalls.ts';
import type { Detector, Finding } from './types.ts';
import type { Period } from './unfinished.ts';
import { aboutOf, type Chain, chainsIn, isOwn, oldestOf, sumOf, type WaitFrame } from './wait-chains.ts';

export interface NestedEvidence {
  /** Calls that hold one and wait for another one; and those that only wait. */
  holding: number;
  waiting: number;
  oldestMs: number;
  resource: Resource;
  /** file:line:column where those that hold one got it, as far as that is known. */
  acquiredAt?: string;
}

type Rule = Pick<Detector<object>, 'id' | 'kinds' | 'remedy'>;

export function nestedLimits(
  rule: Rule,
  period: Period,
  recording: View<'waits'> & StallView,
): Finding<NestedEvidence>[] {
  const found = chainsIn(period, recording).flatMap((chains) =>
    heldLimits(chains, period).flatMap((limit) => {
      const oldestMs = awakeMs(recording, { t: chains.t, entry: { oldestMs: oldestOf(limit.nested) } });
      return oldestMs >= FROZEN_MS && isDeadlock(limit, chains) ? [toFinding(rule, limit, oldestMs)] : [];
    }),
  );
  if (found.length > 0) return found;
  const isLong = (limit: ReturnedLimit): boolean => awakeMs(recording, { t: limit.t, entry: limit }) >= FROZEN_MS;
  const returned = returnedLimits(period).filter(isLong);
  const limits = returned.length > 0 ? returned : nestedAsks(period).filter(isLong);
  return limits.map((limit) => returnedFinding(rule, limit));
}

function returnedFinding(rule: Rule, limit: ReturnedLimit): Finding<NestedEvidence> {
  const { holder, inner, holding, waiting, estimated, oldestMs, alsoAt } = limit;
  const about = estimated ? 'about ' : '';
  return findingOf(rule, {
    kind: 'nested-limit',
    severity: 'critical',
    message:
      `${holdersText(limit)}; ${about}${waiting} more ${waiting === 1 ? 'waits' : 'wait'} behind, ` +
      `the oldest for ${secondsText(oldestMs)}. None of them can go on.`,
    remedy: REMEDIES.slot,
    location: inner,
    stack: [inner, holder],
    alsoAt,
    count: holding + waiting,
    confidence: CONFIDENCE.compared,
    evidence: { holding, waiting, oldestMs: round(oldestMs), resource: 'slot' },
    lostMs: oldestMs + (holding + waiting) * LOST_MS.thing,
  });
}

function holdersText({ holder, inner, holding, asksOnly, isLeast, estimated }: ReturnedLimit): string {
  const asked = `asked for in ${nameAndLine(inner)}`;
  if (asksOnly) {
    return `Calls of ${nameAndLine(holder)} hold a slot each and wait for ${estimated ? 'about ' : ''}${holding} further ones, ${asked}`;
  }
  const one = holding === 1;
  const least = isLeast ? 'At least ' : estimated && !one ? 'About ' : '';
  return `${least}${holding} × ${nameAndLine(holder)} ${one ? 'holds' : 'hold'} a slot and ${one ? 'waits' : 'wait'} for another one, ${asked}`;
}

function toFinding(rule: Rule, limit: HeldLimit, oldestMs: number): Finding<NestedEvidence> {
  const inner = limit.nested.toSorted((a, b) => b.count - a.count)[0]!;
  const place = ownFrame(inner, limit) ?? inner.frames[0]!;
  const holder = callersOf(inner, place)[0] ?? place;
  const resource = resourceOf(limit);
  const waiting = Math.round(sumOf(limit.waiters));
  const { holding } = limit;
  const acquired = acquiredBy(limit, inner);
  return findingOf(rule, {
    kind: 'nested-limit',
    severity: 'critical',
    message:
      `${holdingText(limit)} × ${nameAndLine(holder)} ${holding === 1 ? 'holds' : 'hold'} a ${resource} and ` +
      `${holding === 1 ? 'waits' : 'wait'} for another one in ${nameAndLine(place)}` +
      `${waiting > 0 ? `; ${aboutOf(limit.waiters)}${waiting} more ${waiting === 1 ? 'waits' : 'wait'} behind` : ''}, ` +
      `the oldest for ${secondsText(oldestMs)}. None of them can go on.`,
    remedy: REMEDIES[resource],
    location: toLocation(place),
    stack: [place, ...callersOf(inner, place)].map(toLocation),
    alsoAt: ownLines([...limit.nested, ...limit.waiters], place),
    count: holding + waiting,
    confidence: limit.acquiredAt ? CONFIDENCE.agreeing : CONFIDENCE.compared,
    evidence: {
      ...{ holding, waiting, oldestMs: round(oldestMs), resource },
      ...(acquired && { acquiredAt: lineKey(acquired) }),
    },
    lostMs: oldestMs + (holding + waiting) * LOST_MS.thing,
  });
}

function holdingText({ nested, holding }: HeldLimit): string {
  return aboutOf(nested) ? `About ${holding}` : String(holding);
}

const REMEDIES: Record<Resource, string> = {
  connection:
    'Use the connection that is already held for what is asked within: pass the transaction or the client down. Else give the inner queries a pool of their own.',
  lock: 'Do not take a lock again while it is held: split the function into one that takes the lock and one that expects it to be held.',
  slot: 'Take no second slot of the same limit while one is held: give the inner work a limit of its own, or let only the inner work be limited.',
};

/** Where the calls that hold one took it, in the program: seen in those that wait for their first. */
function acquiredBy(limit: HeldLimit, inner: Chain): WaitFrame | null {
  if (limit.acquiredAt && isOwn(limit.acquiredAt)) return limit.acquiredAt;
  const [first] = limit.waiters.filter((chain) => chain !== inner);
  return first ? ownFrame(first, limit) : null;
}

export const NESTED_THRESHOLD = `critical: calls that hold a slot of a limit, a connection of a pool or a lock, all of them waiting for another one for ${secondsText(FROZEN_MS)}, or ten times as long as calls used to wait there, with none of those that wait going on meanwhile.`;
