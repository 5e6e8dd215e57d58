import type { DeepSampleRow, View } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import {
  FILLING_ROWS,
  isServed,
  meanOf,
  SECOND_ROWS,
  type Second,
  samplesFilledWith,
  secondsOf,
  totalMs,
  unseen,
  withoutLongCalls,
} from '../busy-time.ts';
import { compiledWords, functionSubject } from '../code-words.ts';
import { findingOf, fragments } from '../finding.ts';
import { BUSY_MS } from '../limits.ts';
import { functionsOf, toStack } from '../sampled-frames.ts';
import { percent, round } from '../severity.ts';
import { confidenceOfSamples } from '../stack-confidence.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** The thread computes rather than waits in synchronous calls. */
const CPU_SHARE = 0.7;
/** Mean time between beats of the heartbeat, which is 10 ms when the loop is free: above this, requests queue up. */
const WARNING_TURN_MS = 12;
/** Half a minute of it is no burst: clients have given up by then. */
const CRITICAL_BUSY_MS = 30_000;

export interface CpuBoundEvidence {
  busyMs: number;
  /** Share of the stacks in the function that has most of them. 0..1 */
  functionShare: number;
  cpuShare: number | null;
  meanTurnMs: number;
}

const READS = [...SECOND_ROWS, ...FILLING_ROWS, 'stall'] as const;
type Seen = View<(typeof READS)[number]>;

export const cpuBoundMainThread: Detector<CpuBoundEvidence, typeof READS> = {
  id: 'cpu-bound-main-thread',
  title: 'CPU-bound main thread',
  description:
    'Computation takes nearly all of the main thread while I/O is served on the same loop, in pieces that are each too short to be ' +
    'a stall. Deep samples show that successive stacks fall into the same callback and that one function holds most of them.',
  remedy:
    'Keep I/O on the event loop and move the computation to a pool of worker threads sized to the cores (piscina, node:worker_threads); where each request is mostly computation, run one process per core (node:cluster).',
  reads: READS,
  needs: ['event-loop-utilization'],
  thresholds: [
    `busy: almost no idle time while the thread had a core, for ${BUSY_MS} ms in total, ${percent(CPU_SHARE)} of it computing.`,
    `warning: turns of ${WARNING_TURN_MS} ms or more on average while servers, sockets or timers waited.`,
    `critical: the same for ${CRITICAL_BUSY_MS} ms.`,
  ],
  limits: [
    'Needs a deep sample: at level watch that takes some seconds of load to be triggered.',
    'Time in which the thread waited for a core, and start-up, do not count.',
  ],
  kinds: [
    {
      kind: 'computation',
      title: 'computation beside I/O',
      remedy: 'Move the computation to a pool of worker threads sized to the cores.',
      example:
        "app.get('/report', (req, res) => res.send(render(req.query)));              // 30 ms of the loop each\napp.get('/report', async (req, res) => res.send(await pool.run(req.query))); // a worker's",
    },
  ],
  detect(recording) {
    const busy = withoutLongCalls(secondsOf(recording), recording).filter((second) => second.busy);
    const deepSamples = samplesFilledWith('computation', recording);
    const cpuShare = meanOf(busy, (second) => second.cpuShare);
    if (totalMs(busy) < BUSY_MS || (cpuShare !== null && cpuShare < CPU_SHARE)) return [];
    if (deepSamples.length === 0) return unseen(recording, totalMs(busy));
    return [toFinding(recording, busy, deepSamples, cpuShare)];
  },
  // Both judge the loop as a whole.
  explains: [{ rule: 'overloaded-event-loop', nowhere: true }],
  words: ({ busyMs, functionShare, cpuShare, meanTurnMs }) =>
    fragments(
      `busy ${formatMs(busyMs)}`,
      `${percent(functionShare)} of the stacks`,
      cpuShare !== null && `CPU ${percent(cpuShare)}`,
      meanTurnMs > 0 && `a turn of ${formatMs(meanTurnMs)} on average`,
    ),
};

function toFinding(
  recording: Seen,
  busy: readonly Second[],
  deepSamples: readonly DeepSampleRow[],
  cpuShare: number | null,
): Finding<CpuBoundEvidence> {
  const busyMs = totalMs(busy);
  const turnMs = meanOf(busy, ({ meanDelayMs }) => meanDelayMs) ?? 0;
  const severity = severityOf(turnMs, busyMs, isServed(busy));
  const hottest = deepSamples.flatMap((deepSample) => functionsOf(deepSample)).sort((a, b) => b.share - a.share)[0]!;
  const name = functionSubject(hottest.location);
  const turns = turnMs >= 1 ? `: a turn of the loop took ${Math.round(turnMs)} ms on average` : '';
  return findingOf(cpuBoundMainThread, {
    severity,
    lostMs: busyMs,
    kind: 'computation',
    message: `${name}${compiledWords(hottest.frames, hottest.location)} computed for ${percent(hottest.share)} of ${round(busyMs / 1000)} s in which the main thread had no idle time${turns}.`,
    remedy: `${cpuBoundMainThread.remedy} This machine has ${cores(recording)}.`,
    location: hottest.location,
    stack: toStack(hottest.frames),
    count: busy.length,
    confidence: confidenceOfSamples(deepSamples, hottest.share),
    evidence: {
      busyMs: round(busyMs),
      functionShare: round(hottest.share, 3),
      cpuShare: cpuShare === null ? null : round(cpuShare, 3),
      meanTurnMs: round(turnMs),
    },
  });
}

function cores({ header }: Seen): string {
  const count = header.containerCpus === null ? header.cpuCount : Math.min(header.cpuCount, header.containerCpus);
  return count === 1 ? 'one core: workers will keep the loop free, not make the work faster' : `${round(count)} cores`;
}

function severityOf(turnMs: number, busyMs: number, served: boolean): Severity {
  if (!served || turnMs < WARNING_TURN_MS) return 'info';
  return busyMs >= CRITICAL_BUSY_MS ? 'critical' : 'warning';
}
