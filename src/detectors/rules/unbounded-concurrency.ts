import { functionKey, lineKey } from '../../recording/places.ts';
import type { UnfinishedEntry } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatCount } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { WARNING_STALL_MS, WARNING_STALLS } from '../limits.ts';
import { onePerLine, placeFinding } from '../place-findings.ts';
import { type PoolStarts, poolStarts } from '../pool-starts.ts';
import { toStack } from '../sampled-frames.ts';
import { percent, round, secondsText } from '../severity.ts';
import { confidenceOfStalls } from '../stack-confidence.ts';
import { STALL_ROWS } from '../stalls.ts';
import type { Detector, Finding } from '../types.ts';
import {
  allPlacesOf,
  functionOf,
  PERIOD_ROWS,
  type Period,
  type Place,
  periodsOf,
  type Reading,
  wholePart,
} from '../unfinished.ts';
import { unbroken } from '../unseen.ts';
import { isNetwork } from '../waits.ts';

/** Servers and clients are set to tens, rarely hundreds of connections; the limit of file descriptors is often 1024. */
const IN_FLIGHT = 500;
/** Each is a process. */
const IN_FLIGHT_CHILDREN = 50;
/** Of the least number, how many must be followed themselves at that time: where few stand for many, chance decides. */
const FOLLOWED_SHARE = 0.1;
/** A server may ask a few others for each request that it answers. */
const PER_INBOUND = 10;
/** Waves come back near zero. */
const EBB_SHARE = 0.1;
/** Most of all within one interval. */
const BURST_SHARE = 0.5;
/** As many are in flight at the end of a row as there were in it, in this many rows, and each was started again. */
const RETRY_ROWS = 2;
/** Share of the most in flight that still are at the end of the row. */
const STAYS_SHARE = 0.5;
/** This many times as many were started in total as were in flight: each more than once. */
const AGAIN = 2;
/** Started in this many of the rows, as a share of the most in flight. */
const GOING_ROWS = 0.75;
/** Share of the most in flight that start in a row. */
const GOING_SHARE = 0.1;
/** One job each, which are made for it and end with it. */
const POOL_JOBS: ReadonlySet<string> = new Set(['ZLIB', 'PBKDF2REQUEST', 'SCRYPTREQUEST', 'KEYPAIRGENREQUEST']);
/** Share of the most in flight that have ended: jobs end, streams of compression stay. */
const JOBS_ENDED_SHARE = 0.25;
const POOL_REMEDY =
  'Bound how many run at once (p-limit): the thread pool has four threads, and each job that waits for one holds its memory, outside of the heap.';
const REMEDY = 'Bound how many run at once: a queue with a limit (p-limit), or an agent with `maxSockets`.';

export interface ConcurrencyEvidence {
  /** Node's name of the resource, or the job of the pool. */
  type: string;
  /** In flight at the same time, started in total, and open from outside meanwhile. */
  peak?: number;
  created?: number;
  inbound?: number;
  /** How long the start alone blocked the loop, if it did. */
  maxMs?: number;
  totalMs?: number;
}

const READS = [...PERIOD_ROWS, ...STALL_ROWS] as const;

export const unboundedConcurrency: Detector<ConcurrencyEvidence, typeof READS> = {
  id: 'unbounded-concurrency',
  title: 'unbounded concurrency',
  description:
    'One line starts hundreds of requests, connections, child processes or thread-pool jobs (compression, key derivation) at once. ' +
    'They compete for sockets, memory, threads and the other side, which answers all of them late or not at all. Incoming work, ' +
    'and what each piece of it needs, is not counted.',
  remedy: REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${IN_FLIGHT} from one line in flight at once (${IN_FLIGHT_CHILDREN} child processes), and ${PER_INBOUND} times the connections and requests from outside.`,
    `burst: in waves that end, or ${percent(BURST_SHARE)} of all within one interval.`,
    `starts: the start of jobs of the thread pool alone blocks the loop for ${WARNING_STALL_MS} ms, or ${WARNING_STALLS} times, or once within one call.`,
    `retries: in flight at the end of ${RETRY_ROWS} rows, and ${AGAIN} times as many started in total, in ${percent(GOING_ROWS)} of the rows.`,
  ],
  limits: [
    unbroken(
      'Where following costs more than the budget (EVDIAG_BUDGET), bursts are seen only before the first pause, or where the start of thread-pool jobs alone blocks the loop.',
      'bursts after the first pause are not seen',
    ),
  ],
  kinds: [
    {
      kind: 'burst',
      title: 'all at once',
      remedy: REMEDY,
      example:
        'await Promise.all(urls.map((url) => fetch(url)));               // 10 000 at once\nconst limit = pLimit(20);\nawait Promise.all(urls.map((url) => limit(() => fetch(url))));  // 20 at once',
    },
    {
      kind: 'retries',
      title: 'a storm of retries',
      remedy: 'Wait between two attempts, longer each time and with jitter, and give up after a few.',
      example:
        'while (true) try { return await get(url); } catch {}   // at once, forever\nfor (let n = 0; n < 5; n++) try { return await get(url); } catch { await delay(2 ** n * 100 * Math.random()); }',
    },
  ],
  detect(recording) {
    const counted = onePerLine(periodsOf(recording).flatMap(unbounded));
    const known = new Set(counted.map(({ location }) => location && functionKey(location)));
    const blocking = poolStarts(recording).filter(({ location }) => !known.has(functionKey(location)));
    return [...counted, ...blocking.map(toStartFinding)];
  },
  explains: [
    { rule: 'growing-workers' },
    { rule: 'saturated-thread-pool' },
    // A flood explains a busy loop whose line was not seen.
    { rule: 'blocked-event-loop', kinds: ['js-cpu'], alone: true, nowhere: true },
    { rule: 'gc-pressure', alone: true, nowhere: true },
    { rule: 'overloaded-event-loop', alone: true, nowhere: true },
    { rule: 'starved-event-loop', alone: true, nowhere: true },
    { rule: 'task-switch-churn', alone: true, nowhere: true },
    ...KEEPS_MEMORY,
  ],
  words: ({ peak, created, inbound }) =>
    fragments(
      peak !== undefined && `${formatCount(peak)} at once`,
      created !== undefined && `${formatCount(created)} begun`,
      inbound !== undefined && `${formatCount(inbound)} from outside`,
    ),
};

function unbounded(all: Period): Finding<ConcurrencyEvidence>[] {
  const period = wholePart(all);
  if (period.length === 0) return [];
  const places = (['handle', 'await', 'call'] as const).flatMap((what) => allPlacesOf(period, what));
  const found = places.flatMap((place) => {
    const least = place.last.entry.type === 'PROCESSWRAP' ? IN_FLIGHT_CHILDREN : IN_FLIGHT;
    const weight = maxOf(place.readings.map(weightOf));
    const isSure = (reading: Reading) =>
      reading.entry.peak >= least * FOLLOWED_SHARE * (reading.entry.alive > 0 ? weightOf(reading) : weight);
    const high = place.readings.filter((reading) => isHigh(reading, least) && isSure(reading));
    const kind = high.length === 0 ? null : kindOf(place.readings, high);
    return kind === null ? [] : [toFinding(place, kind, high)];
  });
  return onePerFunction(found);
}

/** How many one that is followed stands for. */
function weightOf({ entry: { alive, followed } }: Reading): number {
  return alive / Math.max(1, followed ?? alive);
}

function isHigh({ entry, inbound }: Reading, least: number): boolean {
  const isOut = entry.type === 'PROCESSWRAP' || isNetwork(entry) || isPoolWork(entry);
  return isOut && entry.peak >= least && entry.peak >= PER_INBOUND * Math.max(1, inbound);
}

/** Jobs of the thread pool's four threads; those of compression hold 256 kB each while they wait. Its streams stay, and do not count. */
function isPoolWork({ what, type, ended, peak }: UnfinishedEntry): boolean {
  return what === 'handle' && POOL_JOBS.has(type) && ended >= peak * JOBS_ENDED_SHARE;
}

function kindOf(readings: readonly Reading[], high: readonly Reading[]): 'burst' | 'retries' | null {
  const started = readings.map(({ entry }, i) => Math.max(0, entry.created - (readings[i - 1]?.entry.created ?? 0)));
  const total = started.reduce((sum, count) => sum + count, 0);
  const peak = maxOf(high.map(({ entry }) => entry.peak));
  const atOnce = maxOf(started) >= total * BURST_SHARE;
  const stays = high.filter(({ entry }) => entry.alive >= entry.peak * STAYS_SHARE).length >= RETRY_ROWS;
  // A long wave has rows in which nothing starts; retries go on all the time.
  const startedIn = (reading: Reading) => started[readings.indexOf(reading)] ?? 0;
  const goesOn = high.filter((reading) => startedIn(reading) >= peak * GOING_SHARE).length >= high.length * GOING_ROWS;
  const again = total >= peak * AGAIN;
  if (stays && again && goesOn && !atOnce) return 'retries';
  const ebbs = readings.some(({ t, entry }) => t >= high[0]!.t && entry.alive <= peak * EBB_SHARE);
  return ebbs || atOnce || (stays && again) ? 'burst' : null;
}

function toFinding(place: Place, kind: 'burst' | 'retries', high: readonly Reading[]): Finding<ConcurrencyEvidence> {
  const peak = maxOf(high.map(({ entry }) => entry.peak));
  const inbound = maxOf(high.map((reading) => reading.inbound));
  const spanMs = high.at(-1)!.t - high[0]!.t + high[0]!.intervalMs;
  const again = kind === 'retries' ? ', started again and again' : '';
  return placeFinding(unboundedConcurrency, {
    kind,
    severity: 'warning',
    message: `${peak} operations of ${nameOf(place.location)} were in flight at once, within ${secondsText(spanMs)}${again}.`,
    place,
    count: peak,
    confidence: CONFIDENCE.compared,
    evidence: {
      peak,
      created: place.last.entry.created,
      inbound,
      type: place.last.entry.type || place.last.entry.what,
    },
  });
}

/** They were not counted: if their start alone blocks the loop, they are very many. */
function toStartFinding({ location, job, stalls, maxMs, totalMs, stack }: PoolStarts): Finding<ConcurrencyEvidence> {
  const ms = Math.round(maxMs);
  const times = stalls.length === 1 ? `for ${ms} ms` : `${stalls.length} times, up to ${ms} ms`;
  const of = { maxMs: round(maxMs), totalMs: round(totalMs) };
  return findingOf(unboundedConcurrency, {
    kind: 'burst',
    severity: 'warning',
    lostMs: totalMs,
    message: `${nameOf(location)} started so many jobs of ${job} at once that starting them alone blocked the event loop ${times}.`,
    remedy: POOL_REMEDY,
    location,
    stack: toStack(stack),
    count: stalls.length,
    confidence: Math.min(CONFIDENCE.compared, confidenceOfStalls(stalls, { kind: 'js-cpu', location })),
    times: of,
    evidence: { ...of, type: job },
  });
}

/** A request, its socket and the await of its answer count as one. */
function onePerFunction(findings: readonly Finding<ConcurrencyEvidence>[]): Finding<ConcurrencyEvidence>[] {
  const byFunction = new Map<string, Finding<ConcurrencyEvidence>>();
  for (const finding of findings) {
    const key = functionOf(finding.location!) ?? lineKey(finding.location!);
    const other = byFunction.get(key);
    if (!other || finding.count > other.count) byFunction.set(key, finding);
  }
  return [...byFunction.values()];
}
