import { lineKey } from '../../recording/places.ts';
import { type HttpPool, type Location, rowsOf, type View } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { FROZEN_MS } from '../frozen.ts';
import { awakeMs, GROWN_CALLS, growthOf, growthText } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { callersOf, type HeldLimit, heldLimits, isDeadlock, ownFrame, ownLines } from '../held-limits.ts';
import { resourceOf } from '../held-resource.ts';
import {
  FEW_CONNECTIONS,
  type NarrowPool,
  NOTICED_MS,
  narrowPools,
  OUTSIDE_SHARE,
  QUEUE_RATIO,
  QUEUED_MS,
} from '../narrow-pools.ts';
import { nameAndLine, onePerLine } from '../place-findings.ts';
import { LOST_MS, percent, round, secondsText } from '../severity.ts';
import { STALL_ROWS } from '../stalls.ts';
import { callsBehind } from '../taken-pools.ts';
import type { Detector, Finding } from '../types.ts';
import { type Moment, type PoolEvidence, unansweredPools } from '../unanswered-pools.ts';
import { PERIOD_ROWS, type Period, periodsOf, placesOf } from '../unfinished.ts';
import { aboutOf, type Chain, type Chains, chainsIn, isOwn, oldestOf, sumOf, type WaitFrame } from '../wait-chains.ts';

/** Of the connections, or of those that have one: fewer, and the others serve those that wait. */
const UNREAD_SHARE = 0.5;

export type { PoolEvidence } from '../unanswered-pools.ts';

const READS = [...PERIOD_ROWS, ...STALL_ROWS, 'waits', 'event-loop-utilization'] as const;
type Seen = View<(typeof READS)[number]>;

export const exhaustedConnectionPool: Detector<PoolEvidence, typeof READS> = {
  id: 'exhausted-connection-pool',
  title: 'exhausted connection pool',
  description:
    'All connections of a pool, or slots of a limit, are held by calls that do not give them back, and whatever needs one waits. The ' +
    'finding is about those that hold them. Or they are given back, and there are so few that requests wait far longer for one than they take.',
  remedy:
    'Give back what is held in every case: read or cancel each answer, and give what is awaited meanwhile a timeout.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `unread: all connections of an http.Agent, or of undici, to one address are taken, ${percent(UNREAD_SHARE)} of them for ${secondsText(FROZEN_MS)} by answers of which nobody takes any more, while requests wait: of undici, calls that wait for it of which none goes on.`,
    `unanswered: requests without an answer have all connections of such a pool for ${secondsText(FROZEN_MS)}, and ${GROWN_CALLS} calls wait behind them that were made elsewhere.`,
    `held: calls that hold a connection, slot or lock all wait, and ${GROWN_CALLS} wait for theirs, ${growthText('ended')}.`,
    `small: for ${secondsText(QUEUED_MS)}, ${QUEUE_RATIO} requests wait for each connection of an http.Agent to one address, of which there are ${FEW_CONNECTIONS} at most, ${NOTICED_MS} ms each, while requests from outside, ${percent(OUTSIDE_SHARE)} as many, have no answer; not where the thread is busy.`,
  ],
  limits: [
    'Whether a pool is too small is seen of http.Agent alone, and judged only where requests from outside wait: a batch may be limited on purpose.',
    'Who holds a connection is seen by the awaits of async functions, and of http.Agent and undici by their sockets: of other code that uses callbacks alone, nothing is known.',
    'Of fetch without an agent, connections are not limited, and unread answers keep no request waiting.',
  ],
  kinds: [
    {
      kind: 'unread-body',
      title: 'connections held by answers that nobody reads',
      remedy:
        'Read each answer to its end, or give it up: `response.resume()` or `destroy()` with http, `await response.text()` or `body.cancel()` with fetch, also where only the status matters.',
      example:
        'const { statusCode } = await get(url);                              // its connection never comes back\nconst response = await get(url); response.resume();                 // read to its end, and forgotten',
    },
    {
      kind: 'held',
      title: 'connections held by calls that wait',
      remedy:
        'Give what those calls wait for a timeout, so that what they hold comes back; hold it for no longer than it is used.',
      example:
        "await client.query('COMMIT');                                       // no answer: the connection is gone\nnew Pool({ query_timeout: 5000, connectionTimeoutMillis: 2000 });   // both waits end",
    },
    {
      kind: 'too-small',
      title: 'requests that wait for one of too few connections',
      remedy:
        'Allow as many connections as requests are under way at once, or as the other side takes: new Agent({ keepAlive: true, maxSockets: 50 }).',
      example:
        'new Agent({ keepAlive: true, maxSockets: 1 });                      // each request waits for all before it\nnew Agent({ keepAlive: true, maxSockets: 50 });',
    },
  ],
  detect(recording) {
    const moments = periodsOf(recording).flatMap((period) =>
      chainsIn(period, recording).map((chains): Moment => ({ period, chains })),
    );
    const held = moments.flatMap(({ period, chains }) => heldIn(period, chains, recording));
    const taken = [...unreadIn(recording, moments), ...unansweredPools(exhaustedConnectionPool, recording, moments)];
    return onePerLine([...taken, ...held, ...narrowPools(recording).map(narrowFinding)]);
  },
  explains: [{ rule: 'growing-pending-async' }, { rule: 'stuck-async' }, { rule: 'missing-timeout' }, ...KEEPS_MEMORY],
  words: ({ holding, waiting, heldMs, address, waitMs }) => [
    waitMs === undefined ? `${holding} held for ${formatMs(heldMs)}` : `${holding} in use`,
    `${waiting} waiting${waitMs === undefined ? '' : `, ${formatMs(waitMs)} each`}`,
    ...(address === undefined ? [] : [address]),
  ],
};

function unreadIn(recording: Seen, moments: readonly Moment[]): Finding<PoolEvidence>[] {
  return rowsOf(recording, 'waits').flatMap(({ t, pools, groups, frames }) =>
    pools.flatMap((pool) => {
      const unread = pool.held.filter(({ state }) => state === 'unread');
      const heldMs = awakeMs(recording, { t, entry: { oldestMs: Math.max(0, ...unread.map(({ ms }) => ms)) } });
      if (pool.taken < pool.max || unread.length < pool.taken * UNREAD_SHARE || heldMs < FROZEN_MS) return [];
      const moment = moments.find(({ chains }) => chains.t === t);
      const waiting = pool.waiting || (moment ? callsBehind(pool, moment.period, moment.chains).waiting : 0);
      if (waiting === 0) return [];
      const makers = groups.map(({ made, chain }) => ({ at: made?.at ?? null, by: frames[chain[0]!] ?? null }));
      return [unreadFinding({ ...pool, waiting }, unread, heldMs, makers)];
    }),
  );
}

interface Maker {
  at: Location | null;
  by: Location | null;
}

function unreadFinding(
  { name, max, waiting }: HttpPool,
  unread: HttpPool['held'],
  heldMs: number,
  makers: readonly Maker[],
): Finding<PoolEvidence> {
  const ways = unread.map(({ location, callers }) => beyondHelpers(location ? [location, ...callers] : [], makers));
  const stack = ways.find((way) => way.length > 0) ?? [];
  const place = stack[0] ?? null;
  const begun = place ? `, begun in ${nameAndLine(place)}` : '';
  return findingOf(exhaustedConnectionPool, {
    kind: 'unread-body',
    severity: 'warning',
    message:
      `${unread.length} of ${max} connections to ${name} are held for ${secondsText(heldMs)} by answers that nobody reads${begun}; ` +
      `${waiting} ${waiting === 1 ? 'request waits' : 'requests wait'} for one.`,
    location: place,
    stack,
    alsoAt: makers.flatMap(({ by }) => by ?? []).filter((by) => !place || lineKey(by) !== lineKey(place)),
    count: waiting,
    confidence: CONFIDENCE.agreeing,
    evidence: { holding: unread.length, waiting, heldMs: round(heldMs), resource: 'connection', address: name },
    lostMs: heldMs + waiting * LOST_MS.thing,
  });
}

/** Without the functions in which requests of several callers are made: who leaves an answer is outside of them. */
function beyondHelpers(way: readonly Location[], makers: readonly Maker[]): Location[] {
  const isHelper = ({ file, line }: Location): boolean => {
    const callers = makers.filter(({ at }) => at?.file === file && at.line === line).flatMap(({ by }) => by ?? []);
    return new Set(callers.map(({ function: name, file: in_ }) => `${in_} ${name}`)).size > 1;
  };
  const last = way.findLastIndex(isHelper);
  return last + 1 < way.length ? way.slice(last + 1) : [...way];
}

function heldIn(period: Period, chains: Chains, recording: Seen): Finding<PoolEvidence>[] {
  return heldLimits(chains, period).flatMap((limit) => {
    const { elsewhere, past, waiters, acquiredAt } = limit;
    // Where the innermost of their awaits was not seen, the one is reported that was.
    const holders = elsewhere.length > 0 ? elsewhere : past;
    if (acquiredAt === null || holders.length === 0 || isDeadlock(limit, chains)) return [];
    if (!isGrowing(waiters, period)) return [];
    const heldMs = awakeMs(recording, { t: chains.t, entry: { oldestMs: oldestOf(holders) } });
    return heldMs >= FROZEN_MS ? [heldFinding(limit, holders, heldMs, chains)] : [];
  });
}

/** More and more calls wait for it, in one of their frames. */
function isGrowing(waiters: readonly Chain[], period: Period): boolean {
  const lines = new Set(waiters.flatMap(({ frames }) => frames.map(({ file, line }) => `${file}:${line}`)));
  return placesOf(period, 'await').some(
    (place) => lines.has(`${place.location.file}:${place.location.line}`) && growthOf(place, GROWN_CALLS) !== null,
  );
}

function heldFinding(
  limit: HeldLimit,
  holders: readonly Chain[],
  heldMs: number,
  chains: Chains,
): Finding<PoolEvidence> {
  const { acquiredAt, holding, waiters, nested } = limit;
  const most = holders.toSorted((a, b) => b.count - a.count)[0]!;
  const opener = most.frames.find(isOwn) ?? ownFrame(most, limit) ?? most.frames[0]!;
  const user = likelyUser(limit, holders, chains);
  const place = user ? user.frames.find(isOwn)! : opener;
  const resource = resourceOf(limit);
  const waiting = Math.round(sumOf([...waiters, ...nested]));
  return findingOf(exhaustedConnectionPool, {
    kind: 'held',
    severity: 'warning',
    message:
      `${aboutOf(holders) ? 'About ' : ''}${holding} × ${nameAndLine(opener)} ${holding === 1 ? 'holds' : 'hold'} a ${resource}${givenBy(acquiredAt?.code)} and ${holding === 1 ? 'waits' : 'wait'} there, ` +
      `the oldest for ${secondsText(heldMs)}; ${aboutOf([...waiters, ...nested])}${waiting} calls wait for one behind them, and none gets one.${user ? ownUseText(place) : ''}`,
    location: place,
    stack: [place, ...callersOf(user ?? most, place)],
    alsoAt: ownLines([...waiters, ...nested], place),
    count: holding + waiting,
    confidence: CONFIDENCE.compared,
    evidence: { holding, waiting, heldMs: round(heldMs), resource, ...(place.code !== '' && { awaited: place.code }) },
    lostMs: heldMs + (holding + waiting) * LOST_MS.thing,
  });
}

/** Began to wait when the last one was taken. */
const TAKEN_MS = 2000;

/**
 * Where packages hold it while they run what they were given, V8 does not say what that waits for. Calls that wait for another one since that time,
 * and did not come the way that those took, are likely what runs there; null where they are few of all that hold one.
 */
function likelyUser(
  { acquiredAt, holding, waiters, nested }: HeldLimit,
  holders: readonly Chain[],
  { all }: Chains,
): Chain | null {
  if (!acquiredAt || isOwn(acquiredAt) || holders.some(({ frames }) => isOwn(frames[0]!))) return null;
  const sinceMs = oldestOf(holders);
  const took = lineKey(acquiredAt);
  const others = [...waiters, ...nested].filter(
    ({ frames, oldestMs }) =>
      Math.abs(sinceMs - oldestMs) <= TAKEN_MS &&
      frames.some(isOwn) &&
      frames.every((frame) => lineKey(frame) !== took),
  );
  const most = others.toSorted((a, b) => b.count - a.count)[0];
  const line = most && lineKey(most.frames.find(isOwn)!);
  // Of some only an outer call is followed.
  const there = all.filter(({ frames }) => lineKey(frames[0]!) === line);
  return most && Math.max(sumOf(others), sumOf(there)) >= holding * UNREAD_SHARE ? most : null;
}

function ownUseText(place: WaitFrame): string {
  return ` Since then ${nameAndLine(place)} waits for another one: if that runs within them, each waits for itself.`;
}

/** As text: " of pool.connect()". */
function givenBy(code = ''): string {
  return code === '' ? '' : ` of ${code}`;
}

function narrowFinding({ pool, waiting, unanswered, waitMs, spanMs }: NarrowPool): Finding<PoolEvidence> {
  const { name, max, queued } = pool;
  const place = queued?.location ?? null;
  const whose = place ? `${nameAndLine(place)} has` : 'Requests have';
  const [waited, outside] = [Math.round(waiting), Math.round(unanswered)];
  return findingOf(exhaustedConnectionPool, {
    kind: 'too-small',
    severity: 'warning',
    message:
      `${whose} ${max} ${max === 1 ? 'connection' : 'connections'} to ${name}, for which ${waited} requests wait at a time, ${formatMs(waitMs)} each, ` +
      `over ${secondsText(spanMs)}; meanwhile ${outside} requests from outside have no answer.`,
    location: place,
    stack: place ? [place, ...(queued?.callers ?? [])] : [],
    count: waited,
    confidence: CONFIDENCE.counted,
    evidence: {
      ...{ holding: max, waiting: waited, heldMs: round(spanMs), resource: 'connection', address: name },
      waitMs: round(waitMs),
    },
    lostMs: spanMs + waited * LOST_MS.thing,
  });
}
