import { type DeepSampleRow, rowsOf, type View } from '../../recording/types.ts';
import { median } from '../../util/numbers.ts';
import { formatMs } from '../../util/text.ts';
import {
  FILLING_ROWS,
  fillingOf,
  isServed,
  meanOf,
  SECOND_ROWS,
  type Second,
  samplesFilledWith,
  secondsOf,
  totalMs,
  withoutLongCalls,
} from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { BUSY_MS } from '../limits.ts';
import { nameAndLine } from '../place-findings.ts';
import { callback, functionsOf, type HotFunction, toStack } from '../sampled-frames.ts';
import { percent, round } from '../severity.ts';
import { confidenceOfSamples } from '../stack-confidence.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** With less of a core than this, the host is what overloads the loop. */
const OWN_SHARE = 0.7;
/** Mean time between turns: two of 40 ms and a request of two steps takes a tenth of a second for nothing. */
const WARNING_TURN_MS = 40;
/** The same compared with the program's usual time, above what people could notice. */
const USUAL_FACTOR = 4;
/** With two such turns a request of two steps takes 50 ms more than usual. */
const WARNING_RISEN_TURN_MS = 25;
/** A tenth of a second per turn, for this long. */
const CRITICAL_TURN_MS = 100;
/** Longer than a burst: clients retry by then, which adds to it. */
const CRITICAL_BUSY_MS = 10_000;
/** Listed in the evidence; the first few take most of the time. */
const MAX_CALLBACKS = 5;

export interface OverloadedEvidence {
  busyMs: number;
  /** Share of the time that the thread had a core and used it. 0..1 */
  ownShare: number;
  meanTurnMs: number;
  cpuShare: number | null;
  /** The busiest callbacks: "40 % handler (/srv/app.js:12)". */
  callbacks: string[];
}

const READS = [...SECOND_ROWS, ...FILLING_ROWS, 'stall'] as const;
type Seen = View<(typeof READS)[number]>;

export const overloadedEventLoop: Detector<OverloadedEvidence, typeof READS> = {
  id: 'overloaded-event-loop',
  title: 'overloaded event loop',
  description:
    'The event loop has no idle time left although no single callback is long: very many small callbacks fill each turn, and ' +
    'whatever arrives waits for all of them. Deep samples show the share of each callback. Time without a core and start-up do not ' +
    'count.',
  remedy:
    'Do less per turn: bound how much work is taken on at a time (a queue with a limit), merge small callbacks into batches, and refuse work beyond what one core can do.',
  reads: READS,
  needs: ['event-loop-utilization'],
  thresholds: [
    `busy: almost no idle time while the thread had a core, which it had ${percent(OWN_SHARE)} of the time, for ${BUSY_MS} ms in total.`,
    `warning: turns of ${WARNING_TURN_MS} ms on average, or of ${WARNING_RISEN_TURN_MS} ms where that is ${USUAL_FACTOR} times the program's usual, while servers, sockets or timers waited.`,
    `critical: turns of ${CRITICAL_TURN_MS} ms on average for ${CRITICAL_BUSY_MS} ms.`,
  ],
  limits: [
    'At level watch, a load that varies from second to second may never trigger the deep sample that names the callbacks.',
  ],
  kinds: [
    {
      kind: 'callbacks',
      title: 'many small callbacks',
      remedy:
        'Bound the work that is taken on at a time (a queue with a limit), and merge small callbacks into batches.',
      example:
        'for (const row of rows) setImmediate(() => handle(row)); // one turn runs them all\nfor await (const batch of inBatches(rows, 100)) handleAll(batch); // a bounded piece per turn',
    },
  ],
  detect(recording) {
    const seconds = withoutLongCalls(secondsOf(recording), recording);
    const busy = seconds.filter((second) => second.busy);
    if (totalMs(busy) < BUSY_MS || (meanOf(busy, ({ ownShare }) => ownShare) ?? 0) < OWN_SHARE) return [];
    const deepSamples = samplesFilledWith('callbacks', recording);
    // What another kind of work fills is reported by another rule.
    if (
      deepSamples.length === 0 &&
      rowsOf(recording, 'deep-sample').some((deepSample) => fillingOf(deepSample, recording) !== null)
    )
      return [];
    if (deepSamples.length === 0 && totalMs(busy) - longCallsMs(recording) < BUSY_MS) return [];
    return [toFinding(seconds, busy, deepSamples)];
  },
  explains: [{ rule: 'blocked-event-loop', kinds: ['js-cpu'], isMinor: true }],
  words: ({ busyMs, cpuShare, meanTurnMs }) =>
    fragments(
      `busy ${formatMs(busyMs)}`,
      cpuShare !== null && `CPU ${percent(cpuShare)}`,
      meanTurnMs > 0 && `a turn of ${formatMs(meanTurnMs)} on average`,
    ),
};

/** One long call, a chain of microtasks or a breakpoint fills a loop as well, and is not many callbacks. */
function longCallsMs(recording: Seen): number {
  return rowsOf(recording, 'stall')
    .filter(({ chain, kind, startup }) => chain !== 'callbacks' && kind !== 'host' && !startup)
    .reduce((sum, { durationMs }) => sum + durationMs, 0);
}

function toFinding(
  seconds: readonly Second[],
  busy: readonly Second[],
  deepSamples: readonly DeepSampleRow[],
): Finding<OverloadedEvidence> {
  const busyMs = totalMs(busy);
  const cpuShare = meanOf(busy, (second) => second.cpuShare);
  const turnMs = meanOf(busy, ({ meanDelayMs }) => meanDelayMs) ?? 0;
  // A loop that never turned within a second has no mean.
  const turns = turnMs >= 1 ? `: a turn took ${Math.round(turnMs)} ms on average` : '';
  const severity = severityOf(turnMs, usualTurnMs(seconds), busyMs, isServed(busy));
  const hottest = deepSamples.flatMap((deepSample) => functionsOf(deepSample)).sort((a, b) => b.share - a.share)[0];
  const callbacks = deepSamples[0] ? functionsOf(deepSamples[0], callback).slice(0, MAX_CALLBACKS) : [];
  const place = callbacks[0] ? `, most of them in ${nameOf(callbacks[0].location)}` : '';
  return findingOf(overloadedEventLoop, {
    severity,
    lostMs: busyMs,
    kind: 'callbacks',
    message: `The event loop was full of small callbacks for ${round(busyMs / 1000)} s${place}${turns}.`,
    remedy: overloadedEventLoop.remedy,
    location: hottest?.location ?? null,
    stack: hottest ? toStack(hottest.frames) : [],
    count: busy.length,
    confidence: hottest ? confidenceOfSamples(deepSamples, hottest.share) : CONFIDENCE.weak,
    evidence: {
      busyMs: round(busyMs),
      ownShare: round(meanOf(busy, ({ ownShare }) => ownShare) ?? 0, 3),
      meanTurnMs: round(turnMs),
      cpuShare: cpuShare === null ? null : round(cpuShare, 3),
      callbacks: callbacks.map(describe),
    },
  });
}

function describe({ location, share }: HotFunction): string {
  return `${percent(share)} ${nameAndLine(location)}`;
}

function usualTurnMs(seconds: readonly Second[]): number | null {
  const calm = seconds.filter(({ busy, meanDelayMs }) => !busy && meanDelayMs !== null).map((s) => s.meanDelayMs ?? 0);
  return median(calm, null);
}

function severityOf(turnMs: number, usualMs: number | null, busyMs: number, served: boolean): Severity {
  if (!served) return 'info';
  if (turnMs >= CRITICAL_TURN_MS && busyMs >= CRITICAL_BUSY_MS) return 'critical';
  const risen = usualMs !== null && turnMs >= usualMs * USUAL_FACTOR && turnMs >= WARNING_RISEN_TURN_MS;
  return turnMs >= WARNING_TURN_MS || risen ? 'warning' : 'info';
}
