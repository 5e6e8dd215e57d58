import { type RowOf, rowsOf, type View } from '../../recording/types.ts';
import { formatMs, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { GROWTH_MS, type Growth, growthEvidence, growthOf, growthText } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { countText, onePerLine, placeFinding } from '../place-findings.ts';
import { LOST_MS, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { allPlacesOf, PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';

type ThreadsRow = RowOf<'threads'>;

/** Pools have up to 1.5 threads per core, and a few of their own. */
const BEYOND_CORES = 8;
/** A process each: pools of them have one per core, rarely more than eight. */
const GROWN_CHILDREN = 10;
/** A pool on a large machine starts at once; more than this over seconds is a thread for each piece of work. */
const STARTED_PER_SECOND = 5;
/** Three readings, which come once a second while the counts change. */
const STARTED_MS = 3000;
/** A pool that has reached its size starts no more: growth must last for most of the time, or threads be started again. */
const GROWING_SHARE = 0.6;
/** Or as many more have been started since as there were at most: many end together. */
const AGAIN_RATIO = 1.5;
/** Two rows may rise by chance. */
const RISING_ROWS = 3;
/** Below this, a rise has ended. */
const STANDING_SHARE = 0.75;
/** Twice as many as cores is a large pool. */
const PER_CORE = 2;
const REMEDY =
  'Keep a pool of a fixed size, one thread per core, and give it the work; end a thread when its work is done.';

export interface WorkersEvidence {
  alive: number;
  observedMs: number;
  /** Of the process, if its threads were counted. */
  started?: number;
  ended?: number;
  /** Of the place, if its handles were followed. */
  oldestMs?: number;
  createdMeanwhile?: number;
  endedMeanwhile?: number;
}

const READS = [...PERIOD_ROWS, 'threads'] as const;
type Seen = View<(typeof READS)[number]>;

export const growingWorkers: Detector<WorkersEvidence, typeof READS> = {
  id: 'growing-workers',
  title: 'growing number of workers',
  description:
    'Worker threads or child processes are started again and again, one for each piece of work, or never end. A thread costs some ' +
    'megabytes and tens of milliseconds to start, a process more. A pool that reaches its size is not reported.',
  remedy: REMEDY,
  reads: READS,
  needs: [['threads', 'unfinished']],
  thresholds: [
    `alive: ${BEYOND_CORES} threads more than cores, or ${GROWN_CHILDREN} children from one place, ${growthText('ended')}.`,
    `started: more than ${STARTED_PER_SECOND} threads per second, for ${STARTED_MS} ms.`,
  ],
  limits: ['At level watch the line may be unknown, and the confidence is lower.'],
  kinds: [
    {
      kind: 'children',
      title: 'child processes that do not end',
      remedy: 'End the child when its caller is done: pass a `signal`, or keep a few children and give them the work.',
      example:
        "request: fork('render.js');                       // one each, forever\nconst pool = Array.from({ length: 4 }, () => fork('render.js'));",
    },
    {
      kind: 'workers',
      title: 'a thread for each piece of work, or threads that do not end',
      remedy: REMEDY,
      example:
        "request: new Worker('render.js', { workerData });  // one each\nawait pool.run(data);                              // piscina: as many as there are cores",
    },
  ],
  detect(recording) {
    const found = periodsOf(recording).flatMap((period) => placesIn(period, recording));
    const hasWorkers = found.some(({ kind }) => kind === 'workers');
    return onePerLine([...found, ...(hasWorkers ? [] : threads(recording))]);
  },
  explains: [{ rule: 'missing-timeout' }, ...KEEPS_MEMORY],
  words: ({ alive, observedMs, started, ended, createdMeanwhile, endedMeanwhile }) => [
    `${alive} alive`,
    `${started ?? createdMeanwhile ?? 0} begun and ${ended ?? endedMeanwhile ?? 0} ended in ${formatMs(observedMs)}`,
  ],
};

function placesIn(period: Period, { header: { cpuCount } }: Seen): Finding<WorkersEvidence>[] {
  return placesOf(period, 'handle').flatMap((place) => {
    const { type } = place.last.entry;
    if (type !== 'WORKER' && type !== 'PROCESSWRAP') return [];
    const isWorker = type === 'WORKER';
    const growth = growthOf(place, isWorker ? cpuCount + BEYOND_CORES : GROWN_CHILDREN);
    return growth === null ? [] : [toFinding(place, isWorker, growth)];
  });
}

function toFinding(place: Place, isWorker: boolean, growth: Growth): Finding<WorkersEvidence> {
  const { alive, grown, spanMs } = growth;
  return placeFinding(growingWorkers, {
    kind: isWorker ? 'workers' : 'children',
    severity: 'warning',
    message: `${countText(place, alive)} ${isWorker ? 'worker threads' : 'child processes'} started in ${nameOf(place.location)} are alive, ${grown} more than ${secondsText(spanMs)} earlier.`,
    place,
    count: alive,
    confidence: CONFIDENCE.counted,
    evidence: growthEvidence(growth),
  });
}

/** Growth by the counts of the process, whatever started the threads. */
function threads(recording: Seen): Finding<WorkersEvidence>[] {
  const rows = rowsOf(recording, 'threads');
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return [];
  const churned = churnOf(rows);
  const rise = churned ? null : riseOf(rows, recording);
  if (!churned && !rise) return [];
  const place = startedAt(recording);
  const spanMs = churned?.ms ?? rise!.ms;
  const alive = Math.max(...rows.map((row) => row.alive));
  const message = churned
    ? `${plural(churned.started, 'worker thread')} were started in ${secondsText(churned.ms)}`
    : `${alive} worker threads ${last.alive === alive ? 'are' : 'were'} alive, ${rise!.grown} more than ${secondsText(spanMs)} earlier`;
  return [
    findingOf(growingWorkers, {
      severity: 'warning',
      lostMs: last.started * LOST_MS.thing,
      kind: 'workers',
      message: `${message}${place ? `, most in ${nameOf(place.location)}` : ''}.`,
      location: place?.location ?? null,
      stack: place ? [place.location, ...place.last.entry.callers] : [],
      count: last.started,
      confidence: place ? CONFIDENCE.counted : CONFIDENCE.indirect,
      evidence: { alive, started: last.started, ended: last.ended, observedMs: round(spanMs) },
    }),
  ];
}

/** The longest time in which more were started in each second; rows come once a second while the counts change. */
function churnOf(rows: readonly ThreadsRow[]): { started: number; ms: number } | null {
  let from = 0;
  let best: { started: number; ms: number } | null = null;
  for (let i = 1; i < rows.length; i++) {
    const [before, row] = [rows[i - 1]!, rows[i]!];
    const isFast = row.started - before.started > (STARTED_PER_SECOND * (row.t - before.t)) / 1000;
    if (!isFast) from = i;
    const ms = row.t - rows[from]!.t;
    if (ms >= STARTED_MS && ms > (best?.ms ?? 0)) best = { started: row.started - rows[from]!.started, ms };
  }
  return best;
}

/** The longest rise, wherever it is: growth is judged before a collection, or the exit, ends it. */
function riseOf(rows: readonly ThreadsRow[], { header, durationMs }: Seen): { grown: number; ms: number } | null {
  const least = Math.max(header.cpuCount + BEYOND_CORES, header.cpuCount * PER_CORE);
  const peak = Math.max(...rows.map(({ alive }) => alive));
  const started = rows.at(-1)!.started - rows[0]!.started;
  const mostMs = startingMs(rows);
  let from = 0;
  let best: { grown: number; ms: number } | null = null;
  for (let i = 1; i < rows.length; i++) {
    const [first, before, row] = [rows[from]!, rows[i - 1]!, rows[i]!];
    if (row.alive < before.alive * STANDING_SHARE) from = i;
    const ms = row.t - first.t;
    const isLong = ms >= GROWTH_MS && i - from >= RISING_ROWS;
    const goesOn = Math.max(ms, mostMs) >= GROWING_SHARE * (durationMs - rows[0]!.t) || started >= peak * AGAIN_RATIO;
    if (from !== i && row.alive >= least && isLong && goesOn) best = { grown: row.alive - first.alive, ms };
  }
  return best;
}

/** How long threads were being started, also where a collection ended many meanwhile. */
function startingMs(rows: readonly ThreadsRow[]): number {
  return rows.reduce((ms, { t, started }, i) => {
    const before = rows[i - 1];
    return before && started > before.started ? ms + t - before.t : ms;
  }, 0);
}

/** The line that made most of the threads that were followed, also of those that have ended since. */
function startedAt(recording: Seen): Place | null {
  const places = periodsOf(recording)
    .flatMap((period) => allPlacesOf(period, 'handle'))
    .filter(({ last }) => last.entry.type === 'WORKER');
  return places.sort((a, b) => b.last.entry.created - a.last.entry.created)[0] ?? null;
}
