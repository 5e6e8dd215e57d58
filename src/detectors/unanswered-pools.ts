/** Connections of a client that all are taken by requests without an answer: findings of exhausted-connection-pool. */
import { type HttpPool, rowsOf, type View } from '../recording/types.ts';
import { CONFIDENCE } from './confidence.ts';
import { findingOf } from './finding.ts';
import { FROZEN_MS } from './frozen.ts';
import { awakeMs, GROWN_CALLS } from './growth.ts';
import type { Resource } from './held-resource.ts';
import { nameAndLine } from './place-findings.ts';
import { LOST_MS, round, secondsText } from './severity.ts';
import type { STALL_ROWS } from './stalls.ts';
import { type Behind, callsBehind, unansweredIn } from './taken-pools.ts';
import type { Detector, Finding } from './types.ts';
import type { Period } from './unfinished.ts';
import { type Chains, isOwn } from './wait-chains.ts';

export interface PoolEvidence {
  /** Calls or requests that have one, and that wait for one. */
  holding: number;
  waiting: number;
  /** For so long those that hold it do; too-small: for so long the queue stood. */
  heldMs: number;
  resource: Resource;
  /** held: what those that hold it wait for, as text. */
  awaited?: string;
  /** unread-body, too-small: "host:port". */
  address?: string;
  /** too-small: how long a request waits for its connection, on average. */
  waitMs?: number;
}

export interface Moment {
  period: Period;
  chains: Chains;
}

type Seen = View<(typeof STALL_ROWS)[number] | 'waits'>;
type Rule = Pick<Detector<object>, 'id' | 'kinds' | 'remedy'>;

/** Requests without an answer have all connections, and others wait that were made elsewhere. */
export function unansweredPools(rule: Rule, recording: Seen, moments: readonly Moment[]): Finding<PoolEvidence>[] {
  return rowsOf(recording, 'waits').flatMap(({ t, pools }) =>
    pools.flatMap((pool) => {
      const long = unansweredIn(pool);
      const moment = moments.find(({ chains }) => chains.t === t);
      if (long.length === 0 || !moment) return [];
      const { waiting, elsewhere } = callsBehind(pool, moment.period, moment.chains);
      if (elsewhere.length === 0 || waiting < GROWN_CALLS) return [];
      const heldMs = awakeMs(recording, { t, entry: { oldestMs: Math.max(...long.map(({ ms }) => ms)) } });
      return heldMs >= FROZEN_MS ? [unansweredFinding(rule, pool, long, heldMs, { waiting, elsewhere })] : [];
    }),
  );
}

function unansweredFinding(
  rule: Rule,
  { name, max }: HttpPool,
  held: HttpPool['held'],
  heldMs: number,
  { waiting, elsewhere }: Behind,
): Finding<PoolEvidence> {
  const [first] = held.filter(({ location }) => location !== null);
  const place = first?.location ?? null;
  const begun = place ? `, begun in ${nameAndLine(place)}` : '';
  const lines = elsewhere.flatMap(({ frames }) => frames.find(isOwn) ?? []);
  return findingOf(rule, {
    kind: 'held',
    severity: 'warning',
    message:
      `${held.length} of ${max} connections to ${name} are taken by requests that have no answer${begun}, the oldest for ${secondsText(heldMs)}; ` +
      `${waiting} requests wait for one${lines[0] ? `, most of them in ${nameAndLine(lines[0])}` : ''}.`,
    location: place,
    stack: place ? [place, ...(first?.callers ?? [])] : [],
    alsoAt: lines,
    count: held.length + waiting,
    confidence: CONFIDENCE.agreeing,
    evidence: { holding: held.length, waiting, heldMs: round(heldMs), resource: 'connection', address: name },
    lostMs: heldMs + waiting * LOST_MS.thing,
  });
}
