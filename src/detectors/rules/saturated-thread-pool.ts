import type { Location, UnfinishedEntry, UnfinishedRow, View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural } from '../../util/text.ts';
import { isContended } from '../backlog.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { POOL_THREADS } from '../limits.ts';
import { onePerLine } from '../place-findings.ts';
import { percent, round } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, periodsOf } from '../unfinished.ts';
import { startedBy } from '../work.ts';

/** Jobs for each thread: one runs, and at least as many wait. */
const PER_THREAD = 2;
/** A disk answers within some ms, a busy one within tens: an operation that is older waits for a thread. */
const WAITED_MS = 250;
/** The quickest of all within a row's interval. */
const QUICKEST_MS = 100;
/** A burst is over within a row or two. */
const LEAST_ROWS = 3;
/** Of the rows from the first such one to the last. */
const ROWS_SHARE = 0.5;

/** Node's names of jobs that compute on a thread of the pool until they are done. */
const COMPUTES: ReadonlySet<string> = new Set([
  'CHECKPRIMEREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
  'HASHREQUEST',
  'KEYGENREQUEST',
  'KEYPAIRGENREQUEST',
  'PBKDF2REQUEST',
  'RANDOMPRIMEREQUEST',
  'SCRYPTREQUEST',
  'SIGNREQUEST',
]);
const FILES = /^FSREQ(CALLBACK|PROMISE)$|^FILEHANDLECLOSEREQ$/;

const REMEDY =
  'Run fewer of these jobs at once than the pool has threads (p-limit), or in a worker thread, or set UV_THREADPOOL_SIZE before the program starts. More threads than cores do not compute faster, but leave threads for files and names.';

export interface ThreadPoolEvidence {
  /** Of the pool, as far as known. */
  threads: number;
  /** Jobs that ran or waited for a thread, at most. */
  jobs: number;
  /** Node's name of the jobs. */
  type: string;
  /** How long a file operation has waited, at most. */
  waitedMs: number;
  /** Of the rows that were judged, how many showed it. */
  rows: number;
}

const READS = [...PERIOD_ROWS, 'cpu'] as const;
type Seen = View<(typeof READS)[number]>;

export const saturatedThreadPool: Detector<ThreadPoolEvidence, typeof READS> = {
  id: 'saturated-thread-pool',
  title: 'saturated thread pool',
  description:
    'Jobs that compute (key derivation, signatures) take all threads of libuv’s pool, and more of them wait. Files, `dns.lookup` and compression ' +
    'need a thread of the same pool, and are served only when those are done: a page that is read from disk takes as long as the queue.',
  remedy: REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${PER_THREAD} jobs for each thread of the pool, while file operations wait for ${WAITED_MS} ms, or the quickest of them takes ${QUICKEST_MS} ms; in ${LEAST_ROWS} rows, and in ${percent(ROWS_SHARE)} of those between the first and the last.`,
    'info: the same, where the host had no core for the program for much of that time.',
  ],
  limits: [
    'Compression also runs on the pool, but what it has in work is not seen, only that others wait.',
    `The size of the pool is that of UV_THREADPOOL_SIZE at the start, ${POOL_THREADS} without it.`,
    'Where no file operation waits, nothing is reported: a queue of jobs alone may be what is wanted.',
  ],
  kinds: [
    {
      kind: 'computing',
      title: 'jobs that compute on all threads',
      remedy: REMEDY,
      example:
        "app.post('/login', async () => pbkdf2(password, salt, 600_000, 64, 'sha512'));   // as many as there are logins\nconst limit = pLimit(2);\napp.post('/login', () => limit(() => pbkdf2(password, salt, 600_000, 64, 'sha512')));",
    },
  ],
  detect: (recording) => onePerLine(periodsOf(recording).flatMap((period) => saturated(recording, period))),
  words: ({ threads, jobs, waitedMs }) =>
    fragments(`${plural(jobs, 'job')} for ${plural(threads, 'thread')}`, `files waited ${formatMs(waitedMs)}`),
};

interface Moment {
  row: UnfinishedRow;
  jobs: UnfinishedEntry[];
  alive: number;
  waiters: UnfinishedEntry[];
}

function saturated(recording: Seen, period: Period): Finding<ThreadPoolEvidence>[] {
  const threads = recording.header.threadPoolSize ?? POOL_THREADS;
  const moments = period.flatMap((row) => momentOf(row, threads) ?? []);
  const [first, last] = [moments[0], moments.at(-1)];
  if (!first || !last || moments.length < LEAST_ROWS) return [];
  const between = period.filter(({ t }) => t >= first.row.t && t <= last.row.t).length;
  if (moments.length < between * ROWS_SHARE) return [];
  return [toFinding(recording, moments, threads)];
}

/** Null if all jobs of that moment had a thread, or nothing else waited for one. */
function momentOf(row: UnfinishedRow, threads: number): Moment | null {
  const handles = row.entries.filter(({ what, alive }) => what === 'handle' && alive > 0);
  const jobs = handles.filter(({ type }) => COMPUTES.has(type));
  const alive = sum(jobs, (entry) => entry.alive);
  // Where one stands for several, there may be fewer.
  const followed = sum(jobs, (entry) => entry.followed ?? entry.alive);
  if (alive < threads * PER_THREAD || followed < threads) return null;
  const waiters = handles.filter(
    ({ type, oldestMs, endedLeastMs }) =>
      FILES.test(type) && (oldestMs >= WAITED_MS || (endedLeastMs ?? 0) >= QUICKEST_MS),
  );
  return waiters.length > 0 ? { row, jobs, alive, waiters } : null;
}

function toFinding(recording: Seen, moments: readonly Moment[], threads: number): Finding<ThreadPoolEvidence> {
  const main = mostOf(moments.flatMap(({ jobs }) => jobs));
  const waiters = moments.flatMap((moment) => moment.waiters);
  const waitedMs = maxOf(waiters.map(({ oldestMs, endedMaxMs }) => Math.max(oldestMs, endedMaxMs ?? 0)));
  const jobs = Math.round(maxOf(moments.map(({ alive }) => alive)));
  const [fromMs, toMs] = [moments[0]!.row.t, moments.at(-1)!.row.t];
  const places = placesOf(waiters);
  const whose = places[0] ? ` of ${nameOf(places[0])}` : '';
  const by = main.location ? ` of ${nameOf(main.location)}` : '';
  return findingOf(saturatedThreadPool, {
    kind: 'computing',
    severity: isContended(recording, toMs - fromMs) ? 'info' : 'warning',
    message: `${jobs} jobs${by} shared the ${threads} threads of the thread pool, and file operations${whose} waited for up to ${formatMs(waitedMs)}.`,
    location: main.location,
    stack: main.location ? [main.location, ...main.callers] : [],
    alsoAt: places,
    work: startedBy(main.work),
    count: jobs,
    confidence: CONFIDENCE.compared,
    span: { firstMs: round(fromMs), lastMs: round(toMs) },
    evidence: { threads, jobs, type: main.type, waitedMs: round(waitedMs), rows: moments.length },
    lostMs: waitedMs,
  });
}

/** The last entry of the place with most of them. */
function mostOf(entries: readonly UnfinishedEntry[]): UnfinishedEntry {
  return entries.reduce((most, entry) => (entry.alive >= most.alive ? entry : most));
}

function placesOf(entries: readonly UnfinishedEntry[]): Location[] {
  const places = new Map<string, Location>();
  for (const { location } of entries) if (location) places.set(`${location.file}:${location.line}`, location);
  return [...places.values()];
}

function sum(entries: readonly UnfinishedEntry[], of: (entry: UnfinishedEntry) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0);
}
