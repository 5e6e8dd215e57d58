import { rowsOf, type UpstreamsEntry, type View } from '../../recording/types.ts';
import { formatMs, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { ownShare } from '../loop-busy.ts';
import { round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** So many times as long as at first: less is within what answers vary by. */
const SLOWER_RATIO = 4;
/** And so much longer, which people notice (100 ms, Nielsen 1993). */
const SLOWER_MS = 100;
/** Answers that make a usual time, and a slow one: fewer are chance. */
const LEAST_ANSWERS = 20;
/** Rows that each of the two needs: one may be a cold start, or a deployment. */
const LEAST_POINTS = 3;
/** What is over sooner is not worth a look. */
const LEAST_SLOW_MS = 3000;
/** Asked so many times as often as at first, it may be slow for that reason. */
const MORE_OFTEN = 1.5;
/** Others that became slower by this factor at the same time: then it is not the one. */
const OTHERS_RATIO = 2;

const REMEDY =
  'Look at that service first. Give its calls a timeout near their usual time, and go on without it or with the last answer while it is slow, so that it does not make everything else slow.';

export interface UpstreamEvidence {
  origin: string;
  /** Method and path, as in "GET /orders/:id". */
  operation: string;
  /** Answers while it was slow. */
  answers: number;
  /** Until an answer began: at first, and half of those while it was slow. */
  usualMs: number;
  slowMs: number;
  /** From when, in ms since the recording began. */
  sinceMs: number;
}

const READS = ['unfinished', 'upstreams', 'event-loop-utilization', 'cpu'] as const;
type Seen = View<(typeof READS)[number]>;

export const slowUpstream: Detector<UpstreamEvidence, typeof READS> = {
  id: 'slow-upstream',
  title: 'services that became slow',
  description:
    'One service that the program asks takes several times as long to answer as it did at first, while others do not, and while it is not asked more often. ' +
    'What the program itself and its host add to the time is left out.',
  remedy: REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: half of the answers to one method and path take ${SLOWER_RATIO} times as long as the first ${LEAST_ANSWERS} did, and ${SLOWER_MS} ms longer, over ${secondsText(LEAST_SLOW_MS)} and ${LEAST_ANSWERS} answers or more.`,
    `silent: where it is asked ${MORE_OFTEN} times as often as at first, or where half of the other services take ${OTHERS_RATIO} times as long as well.`,
  ],
  limits: [
    'Requests of node:http, node:https, fetch and undici are seen; databases and other protocols are not.',
    'A service that was slow from the beginning has no time to compare with.',
    'What is asked for is known by method and path: where one path serves light and heavy questions, a change from light to heavy looks the same.',
  ],
  kinds: [
    {
      kind: 'answers',
      title: 'answers that take longer and longer',
      remedy: REMEDY,
      example:
        'const price = await fetch(url);                                        // waits as long as the service pleases\nconst price = await fetch(url, { signal: AbortSignal.timeout(300) }).catch(() => lastPrice);',
    },
  ],
  detect(recording) {
    const series = seriesIn(recording);
    return onePerOrigin(series.flatMap((one) => toFinding(recording, one, series) ?? []));
  },
  words: ({ usualMs, slowMs, answers }) => [
    `${formatMs(slowMs)} instead of ${formatMs(usualMs)}`,
    plural(answers, 'answer'),
  ],
};

interface Point {
  t: number;
  seenMs: number;
  entry: UpstreamsEntry;
}

interface Slow {
  from: Point;
  to: Point;
  answers: number;
  medianMs: number;
}

/** By origin and operation, in order of time. */
function seriesIn(recording: Seen): Point[][] {
  const byOperation = new Map<string, Point[]>();
  for (const { t, seenMs, entries } of rowsOf(recording, 'upstreams')) {
    for (const entry of entries) {
      const key = `${entry.origin} ${entry.operation}`;
      const points = byOperation.get(key) ?? [];
      byOperation.set(key, points);
      points.push({ t, seenMs, entry });
    }
  }
  return [...byOperation.values()];
}

/** The first points, until there are enough answers. */
function firstOf(points: readonly Point[]): Point[] | null {
  for (let i = LEAST_POINTS; i <= points.length; i++) {
    const first = points.slice(0, i);
    if (answersIn(first) >= LEAST_ANSWERS) return first;
  }
  return null;
}

function toFinding(recording: Seen, points: Point[], all: Point[][]): Finding<UpstreamEvidence> | null {
  const first = firstOf(points);
  if (!first) return null;
  const usualMs = medianIn(first);
  const slow = longestSlow(recording, points.slice(first.length), usualMs);
  if (!slow || isAskedMore(points, first, slow) || areOthersSlower(points, all, slow)) return null;
  const { origin, operation } = slow.to.entry;
  const { location, callers } = points.findLast(({ entry }) => entry.location !== null)?.entry ?? slow.to.entry;
  const spanMs = slow.to.t - slow.from.t + slow.from.seenMs;
  const whose = location ? nameOf(location) : 'The program';
  return findingOf(slowUpstream, {
    kind: 'answers',
    severity: 'warning',
    message: `${whose} waited ${formatMs(slow.medianMs)} for each ${operation} of ${origin} (the median of ${slow.answers} answers over ${secondsText(spanMs)}), and ${formatMs(usualMs)} at first.`,
    location,
    stack: location ? [location, ...callers] : [],
    count: slow.answers,
    confidence: location ? CONFIDENCE.compared : CONFIDENCE.indirect,
    evidence: {
      ...{ origin, operation, answers: slow.answers, usualMs: round(usualMs), slowMs: round(slow.medianMs) },
      sinceMs: round(Math.max(0, slow.from.t - slow.from.seenMs)),
    },
    lostMs: slow.answers * (slow.medianMs - usualMs),
  });
}

/** Points in a row that are slow, those of which waited longest together. */
function longestSlow(recording: Seen, points: readonly Point[], usualMs: number): Slow | null {
  const leastMs = Math.max(usualMs * SLOWER_RATIO, usualMs + SLOWER_MS);
  const isSlow = ({ t, seenMs, entry }: Point): boolean =>
    entry.medianMs * (1 - ownShare(recording, t - seenMs, t)) >= leastMs;
  const runs: Point[][] = [[]];
  for (const point of points) {
    if (isSlow(point)) runs.at(-1)!.push(point);
    else runs.push([]);
  }
  const found = runs.filter(
    (run) =>
      run.length >= LEAST_POINTS && answersIn(run) >= LEAST_ANSWERS && run.at(-1)!.t - run[0]!.t >= LEAST_SLOW_MS,
  );
  const most = found.toSorted((a, b) => answersIn(b) * medianIn(b) - answersIn(a) * medianIn(a))[0];
  return most ? { from: most[0]!, to: most.at(-1)!, answers: answersIn(most), medianMs: medianIn(most) } : null;
}

function within(points: readonly Point[], { from, to }: Slow): Point[] {
  return points.filter(({ t }) => t >= from.t && t <= to.t);
}

function isAskedMore(points: readonly Point[], first: readonly Point[], slow: Slow): boolean {
  const rateIn = (some: readonly Point[]): number =>
    answersIn(some) /
    Math.max(
      1,
      some.reduce((sum, { seenMs }) => sum + seenMs, 0),
    );
  return rateIn(within(points, slow)) > rateIn(first) * MORE_OFTEN;
}

/** The network, or what all of them share. */
function areOthersSlower(points: readonly Point[], all: readonly Point[][], slow: Slow): boolean {
  const origin = points[0]!.entry.origin;
  const slower = new Map<string, boolean>();
  for (const other of all) {
    const name = other[0]!.entry.origin;
    const first = name === origin ? null : firstOf(other.filter(({ t }) => t < slow.from.t));
    const during = first ? within(other, slow) : [];
    if (!first || answersIn(during) === 0) continue;
    slower.set(name, (slower.get(name) ?? true) && medianIn(during) >= medianIn(first) * OTHERS_RATIO);
  }
  const count = [...slower.values()].filter(Boolean).length;
  return count > 0 && count * 2 >= slower.size;
}

function answersIn(points: readonly Point[]): number {
  return points.reduce((sum, { entry }) => sum + entry.answers, 0);
}

/** Half of the answers were in points that took no longer. */
function medianIn(points: readonly Point[]): number {
  const half = answersIn(points) / 2;
  let answers = 0;
  for (const { entry } of points.toSorted((a, b) => a.entry.medianMs - b.entry.medianMs)) {
    answers += entry.answers;
    if (answers >= half) return entry.medianMs;
  }
  return 0;
}

/** What it is asked for most, or what suffers most. */
function onePerOrigin(findings: Finding<UpstreamEvidence>[]): Finding<UpstreamEvidence>[] {
  const byOrigin = new Map<string, Finding<UpstreamEvidence>>();
  for (const one of findings.toSorted((a, b) => a.score - b.score)) byOrigin.set(one.evidence.origin, one);
  return [...byOrigin.values()];
}
