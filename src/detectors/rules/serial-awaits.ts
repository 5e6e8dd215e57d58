import { lineKey } from '../../recording/places.ts';
import { type Independent, rowsOf, type SerialEntry, type SerialStep, type View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, formatShare } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { isLoopBusy, LOOP_BUSY_SHARE } from '../loop-busy.ts';
import { onePerLine } from '../place-findings.ts';
import { round } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { neededWhole } from '../unseen.ts';

/** Of a loop, in one call: a few are not worth a limit on how many run at once. */
const LEAST_TURNS = 5;
/** What people notice (100 ms, Nielsen 1993), in one call. */
const SAVED_MS = 100;
/** In all calls together: less is not worth a change. */
const SAVED_TOTAL_MS = 250;
/** The part of the time that could be saved: less is within what times vary by. */
const SAVED_SHARE = 0.3;
/** Run together in a loop: browsers and clients open 6 to 10 connections to one host. */
const AT_ONCE = 10;
/** A wait of less is computation, or a queue, and not worth to be overlapped. */
const LEAST_WAIT_MS = 2;
/** Timers that ran to their end, for each wait: then it waits on purpose, as a rate limiter does. */
const PAUSES_SHARE = 0.3;
const LOOP_REMEDY =
  'Start them together and await all: Promise.all over the list, with a limit on how many run at once (p-limit) and an agent or pool that keeps its connections. Better still, ask once for all of them.';
const SEQUENCE_REMEDY = 'Start them together: const [a, b] = await Promise.all([first(), second()]).';

export interface SerialEvidence {
  /** In the call that waited longest. */
  operations: number;
  serialMs: number;
  /** The longest of them. */
  longestMs: number;
  /** How long they would have taken together, at most ten at a time. */
  achievableMs: number;
  /** Calls that awaited more than once. */
  runs: number;
  /** What is awaited, as text. */
  awaited: string[];
}

const READS = ['unfinished', 'serial', 'event-loop-utilization'] as const;
type Seen = View<(typeof READS)[number]>;

export const serialAwaits: Detector<SerialEvidence, typeof READS> = {
  id: 'serial-awaits',
  title: 'operations awaited one after another',
  description:
    'One call of a function awaits operations one after another of which none needs the result of another: a query for each item of a list, ' +
    'or several questions for one answer. It takes the sum of their times, where the longest of them would do.',
  remedy: LOOP_REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${SAVED_MS} ms of one call, ${SAVED_TOTAL_MS} ms of all calls and ${formatShare(SAVED_SHARE)} of the time could be saved, as measured.`,
    `loop: ${LEAST_TURNS} turns in one call, of ${LEAST_WAIT_MS} ms each, compared with ${AT_ONCE} at a time.`,
    `silent: where a timer ran to its end in ${formatShare(PAUSES_SHARE)} of the waits, or the thread is busy for ${formatShare(LOOP_BUSY_SHARE)} of the time.`,
  ],
  limits: [
    'Whether one needs another is judged by the text of the function alone. Where a result is used, the loop may end early, a connection or a transaction is shared, or something is written, nothing is reported.',
    neededWhole(
      'Where the program makes so many promises that a sample is taken, a call is followed from the first of its awaits that is in the sample: of some calls a part is seen.',
      'runs of awaits are seen in part',
    ),
    'Only `await` in `for … of`, `for … in` and counting loops, and in declarations of one block, is judged; without the source of the function nothing is.',
  ],
  kinds: [
    {
      kind: 'loop',
      title: 'a loop that awaits one operation after another',
      remedy: LOOP_REMEDY,
      example:
        'for (const id of ids) users.push(await getUser(id));                   // the sum of all\nconst limit = pLimit(10);\nconst users = await Promise.all(ids.map((id) => limit(() => getUser(id))));',
    },
    {
      kind: 'sequence',
      title: 'independent operations awaited one after another',
      remedy: SEQUENCE_REMEDY,
      example:
        'const user = await getUser(id);\nconst news = await getNews();                                          // waits for the user, and does not need it\nconst [user, news] = await Promise.all([getUser(id), getNews()]);',
    },
  ],
  detect: (recording) =>
    isBusy(recording)
      ? []
      : onePerLine(
          largest(recording).flatMap((entry) => entry.independent.flatMap((one) => toFinding(entry, one) ?? [])),
        ),
  words: ({ operations, serialMs, achievableMs }) => [
    `${operations} in turn: ${formatMs(serialMs)}`,
    `together: ${formatMs(achievableMs)}`,
  ],
};

/** Of each function the newest entry of each period of tracking, which counts from its beginning. */
function largest(recording: Seen): SerialEntry[] {
  const byPlace = new Map<string, SerialEntry>();
  for (const { entries } of rowsOf(recording, 'serial')) {
    for (const entry of entries) {
      const key = `${lineKey(entry.location)} ${entry.location.function}`;
      const other = byPlace.get(key);
      if (!other || waitedBy(entry.steps) >= waitedBy(other.steps)) byPlace.set(key, entry);
    }
  }
  return [...byPlace.values()];
}

function isBusy(recording: Seen): boolean {
  const times = rowsOf(recording, 'serial').map(({ t }) => t);
  return isLoopBusy(recording, (times[0] ?? 0) - 1000, times.at(-1) ?? 0);
}

function toFinding(entry: SerialEntry, { kind, steps: indexes, shared }: Independent): Finding<SerialEvidence> | null {
  const steps = indexes.flatMap((i) => entry.steps[i] ?? []);
  if (steps.length === 0 || steps.some(isPaced)) return null;
  if (shared && entry.atOnce > 1) return null;
  const figures = kind === 'loop' ? ofLoop(steps) : ofSequence(steps);
  const savedMs = figures.serialMs - figures.achievableMs;
  const isWorth = savedMs >= SAVED_MS && savedMs >= figures.serialMs * SAVED_SHARE;
  const savedTotalMs = waitedBy(steps) * (savedMs / figures.serialMs);
  if (!isWorth || savedTotalMs < SAVED_TOTAL_MS) return null;
  return findingOf(serialAwaits, {
    kind,
    severity: 'warning',
    message: messageOf(entry, kind, figures),
    location: placeOf(steps),
    stack: [placeOf(steps), ...entry.callers],
    alsoAt: steps.map(({ location }) => location).filter((location) => location !== placeOf(steps)),
    count: figures.operations,
    confidence: kind === 'loop' ? CONFIDENCE.compared : CONFIDENCE.divided,
    times: { maxMs: round(figures.serialMs), totalMs: round(waitedBy(steps)) },
    evidence: { ...figures, runs: entry.runs, awaited: steps.map(({ code }) => code) },
    lostMs: savedTotalMs,
  });
}

type Figures = Pick<SerialEvidence, 'operations' | 'serialMs' | 'longestMs' | 'achievableMs'>;

/** Of the call that waited longest; a turn may await several times. */
function ofLoop(steps: readonly SerialStep[]): Figures {
  const operations = maxOf(steps.map(({ longest }) => longest.count));
  const serialMs = steps.reduce((sum, { longest }) => sum + longest.waitedMs, 0);
  const longestMs = steps.reduce((sum, { longest }) => sum + longest.maxMs, 0);
  if (operations < LEAST_TURNS || serialMs < operations * LEAST_WAIT_MS) return { ...NOTHING, operations };
  return rounded({ operations, serialMs, longestMs, achievableMs: Math.max(longestMs, serialMs / AT_ONCE) });
}

/** On average, of the calls. */
function ofSequence(steps: readonly SerialStep[]): Figures {
  const each = steps.map(({ waitedMs, count }) => waitedMs / Math.max(1, count));
  const serialMs = each.reduce((sum, ms) => sum + ms, 0);
  return rounded({ operations: steps.length, serialMs, longestMs: maxOf(each), achievableMs: maxOf(each) });
}

const NOTHING = { serialMs: 0, longestMs: 0, achievableMs: 0 };

function rounded({ operations, ...times }: Figures): Figures {
  const { serialMs, longestMs, achievableMs } = times;
  return { operations, serialMs: round(serialMs), longestMs: round(longestMs), achievableMs: round(achievableMs) };
}

function messageOf({ location }: SerialEntry, kind: Independent['kind'], { operations, ...ms }: Figures): string {
  const took = `${formatMs(ms.serialMs)}${kind === 'loop' ? ' in one call' : ' a call'}`;
  const together = kind === 'loop' ? `${AT_ONCE} at a time` : 'together';
  return `${nameOf(location)} awaited ${operations} operations one after another, for ${took}, though none needs the result of another: ${together}, they would take about ${formatMs(ms.achievableMs)}.`;
}

function isPaced({ pauses, count }: SerialStep): boolean {
  return pauses >= count * PAUSES_SHARE;
}

function waitedBy(steps: readonly SerialStep[]): number {
  return steps.reduce((sum, { waitedMs }) => sum + waitedMs, 0);
}

/** Where most of the time went. */
function placeOf(steps: readonly SerialStep[]): SerialStep['location'] {
  return steps.reduce((most, step) => (step.waitedMs > most.waitedMs ? step : most)).location;
}
