import { type DeepSampleRow, type Location, rowsOf, type View } from '../../recording/types.ts';
import { formatCount, formatMs } from '../../util/text.ts';
import {
  CHURN_PROMISES_PER_MS,
  EMPTY_TURNS_PER_SECOND,
  FILLING_ROWS,
  perSecond,
  resource,
  SECOND_ROWS,
  samplesFilledWith,
  secondsOf,
  totalMs,
  turnsPerSecond,
  unseen,
  waitingIn,
} from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { BUSY_MS, EVENTS_PER_TURN, POLL_TURNS_PER_SECOND } from '../limits.ts';
import { functionsOf, toStack } from '../sampled-frames.ts';
import { percent, round } from '../severity.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** Seconds of it: if shorter, it may be waiting for something short. */
const POLL_SECONDS = 3;

interface AwaitsEvidence {
  busyMs: number;
  promisesPerSecond: number;
  promisesPerCpuMs: number;
  /** Share of the stacks that fell between two calls. 0..1 */
  betweenCallsShare: number;
}

interface PollingEvidence {
  turnsPerSecond: number;
  pollingMs: number;
}

type ChurnEvidence = AwaitsEvidence | PollingEvidence;

/** How long the thread did little else than switch. */
export function switchingMs(evidence: ChurnEvidence): number {
  return 'busyMs' in evidence ? evidence.busyMs : 0;
}

const READS = [...SECOND_ROWS, ...FILLING_ROWS] as const;
type Seen = View<(typeof READS)[number]>;

export const taskSwitchChurn: Detector<ChurnEvidence, typeof READS> = {
  id: 'task-switch-churn',
  title: 'task switches without work',
  description:
    'The thread spends its time on switching between tasks that do next to nothing: awaits of values that are already there, ' +
    'setImmediate loops, or intervals of a few milliseconds that wait for a flag. Deep samples count promises and loop turns per ' +
    'millisecond of CPU.',
  remedy:
    'Await once per batch instead of once per item, and wait for an event or a promise instead of asking again and again.',
  reads: READS,
  needs: ['event-loop-utilization'],
  thresholds: [
    `awaits: ${CHURN_PROMISES_PER_MS} promises or more per ms of CPU, with almost no idle time for ${BUSY_MS} ms in total.`,
    `polling: ${formatCount(EMPTY_TURNS_PER_SECOND)} turns of the loop a second without events, or ${POLL_TURNS_PER_SECOND} from an interval of a few ms, for ${POLL_SECONDS} s.`,
    'warning: if servers, sockets or timers waited, otherwise info.',
  ],
  limits: ['Polling is seen in the counters of the loop, without a deep sample; the line needs one.'],
  kinds: [
    {
      kind: 'awaits',
      title: 'awaits of nothing',
      remedy: 'Make what never waits synchronous, and await once per batch of it.',
      example:
        'for (const row of rows) sum += await price(row); // 100 000 switches\nfor (const row of rows) sum += priceNow(row);    // none',
    },
    {
      kind: 'polling',
      title: 'polling',
      remedy: 'Wait for an event or a promise instead of asking again and again.',
      example:
        "const check = () => (done ? finish() : setImmediate(check)); // burns a core\nconst [result] = await once(job, 'done');                  // sleeps",
    },
  ],
  detect(recording) {
    const found = [...awaits(recording), ...polling(recording)];
    const busyMs = totalMs(secondsOf(recording).filter(({ busy }) => busy));
    return found.length === 0 && busyMs >= BUSY_MS ? unseen(recording, busyMs) : found;
  },
  explains: [{ rule: 'starved-event-loop', isMinor: true }],
  words: (evidence) =>
    'pollingMs' in evidence
      ? [`${formatCount(evidence.turnsPerSecond)} turns a second`, `for ${formatMs(evidence.pollingMs)}`]
      : [
          `busy ${formatMs(evidence.busyMs)}`,
          `${formatCount(evidence.promisesPerSecond)} promises a second`,
          `${formatCount(evidence.promisesPerCpuMs)} per ms of CPU`,
          `${percent(evidence.betweenCallsShare)} of the stacks between two calls`,
        ],
};

function awaits(recording: Seen): Finding<ChurnEvidence>[] {
  const deepSamples = samplesFilledWith('awaits', recording);
  const busyMs = totalMs(secondsOf(recording).filter(({ busy }) => busy));
  const [deepSample] = deepSamples;
  if (!deepSample?.created || busyMs < BUSY_MS) return [];
  const { promises, cpuMs, wallMs } = deepSample.created;
  const promisesPerSecond = perSecond(promises, wallMs);
  const hottest = functionsOf(deepSample)[0];
  const place = hottest ? ` in ${nameOf(hottest.location)}` : '';
  return [
    finding(recording, deepSamples, 'awaits', hottest?.location ?? null, hottest?.frames ?? [], busyMs, {
      message: `The thread was busy for ${round(busyMs / 1000)} s with awaits of values that were already there${place}: ${round(promisesPerSecond / 1e6, 2)} million promises a second, one per ${round((cpuMs / promises) * 1000, 2)} µs of CPU.`,
      evidence: {
        busyMs: round(busyMs),
        promisesPerSecond: Math.round(promisesPerSecond),
        promisesPerCpuMs: Math.round(promises / cpuMs),
        betweenCallsShare: round(deepSample.framelessSamples / deepSample.busySamples, 3),
      },
    }),
  ];
}

function polling(recording: Seen): Finding<ChurnEvidence>[] {
  const spinning = samplesFilledWith('polling', recording);
  const timed = rowsOf(recording, 'deep-sample').filter(
    (deepSample) =>
      deepSample.shortIntervals.length > 0 && turnsPerSecond(deepSample, recording) >= POLL_TURNS_PER_SECOND,
  );
  const deepSample = spinning[0] ?? timed[0];
  if (!deepSample) return [];
  const rows = rowsOf(recording, 'loop-turns').filter(
    ({ turns, events, intervalMs }) =>
      perSecond(turns, intervalMs) >= POLL_TURNS_PER_SECOND && events < turns * EVENTS_PER_TURN,
  );
  if (rows.length < POLL_SECONDS) return [];
  const totalTurns = rows.reduce((sum, { turns }) => sum + turns, 0);
  const ms = rows.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
  const pollsPerSecond = Math.round(perSecond(totalTurns, ms));
  const place = pollSite(deepSample);
  const where = place ? ` for ${nameOf(place)}` : '';
  return [
    finding(recording, [deepSample], 'polling', place, [], ms, {
      message: `The event loop turned ${formatCount(pollsPerSecond)} times a second${where} and found nothing to do, for ${round(ms / 1000)} s.`,
      evidence: { turnsPerSecond: pollsPerSecond, pollingMs: round(ms) },
    }),
  ];
}

/** What starts the next turn: the line that calls setImmediate, or that started the interval, or else what runs most. */
function pollSite(deepSample: DeepSampleRow): Location | null {
  const immediate = resource(deepSample, 'Immediate')?.sites.find(({ location }) => location !== null)?.location;
  return (
    (deepSample.shortIntervals[0] && !immediateStorm(deepSample) ? deepSample.shortIntervals[0] : immediate) ??
    functionsOf(deepSample)[0]?.location ??
    null
  );
}

/** More immediates than an interval could bring. */
function immediateStorm(deepSample: DeepSampleRow): boolean {
  return (resource(deepSample, 'Immediate')?.count ?? 0) > (deepSample.created?.wallMs ?? 0) * 5;
}

function finding(
  recording: Seen,
  deepSamples: readonly DeepSampleRow[],
  kind: 'awaits' | 'polling',
  location: Location | null,
  frames: Parameters<typeof toStack>[0],
  lostMs: number,
  { message, evidence }: Pick<Finding<ChurnEvidence>, 'message' | 'evidence'>,
): Finding<ChurnEvidence> {
  const severity: Severity = waitingIn(recording, deepSamples) > 0 ? 'warning' : 'info';
  return findingOf(taskSwitchChurn, {
    severity,
    lostMs,
    kind,
    message,
    location,
    stack: toStack(frames),
    count: deepSamples.length,
    confidence: location ? CONFIDENCE.compared : CONFIDENCE.indirect,
    evidence,
  });
}
