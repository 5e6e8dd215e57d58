import { REASONS } from '../../recording/losses.ts';
import { rowsOf, type View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural, stripControl } from '../../util/text.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { CONTENTION_SHARE } from '../limits.ts';
import { percent, round } from '../severity.ts';
import { COMPUTES } from '../stalls.ts';
import type { Detector, Finding } from '../types.ts';

/** Samplers are read once a second: in a shorter recording only stalls can be judged. */
const LITTLE_DATA_MS = 1000;
/** A reading this late means that the thread or the host was delayed; rates over it are inaccurate. */
const LATE_MS = 3000;

/** In total: less is a moment, whatever its share. */
const LEAST_QUEUE_MS = 1000;
/** Below any finding about the program. */
const MOST_SCORE = 10;

/** The figures of the kind. */
export interface QualityEvidence {
  runQueueMs?: number;
  contentionShare?: number;
  droppedRows?: number;
  skippedLines?: number;
  maxMs?: number;
  durationMs?: number;
}

/** All are info: a poor recording is no emergency. */
const READS = ['agent-cost', 'cpu', 'dropped', 'end', 'event-loop-delay', 'event-loop-utilization', 'stall'] as const;
type Seen = View<(typeof READS)[number]>;

export const recordingQuality: Detector<QualityEvidence, typeof READS> = {
  id: 'recording-quality',
  title: 'limits of the recording',
  description:
    'What this recording cannot answer well: rows were lost, readings came late, it is too short, or the host was too busy. These ' +
    'findings are always info.',
  remedy: 'Record for longer, on a host with a free core, with a larger EVDIAG_MAX_MB.',
  reads: READS,
  needs: [['agent-cost', 'cpu', 'event-loop-delay', 'event-loop-utilization', 'dropped', 'end']],
  thresholds: [
    `length: less than ${LITTLE_DATA_MS} ms (kind little-data), the time of the first reading.`,
    `readings: ${LATE_MS} ms or more from one to the next (kind late-samples), where one per second is expected.`,
    `contention: the thread waited for a core ${percent(CONTENTION_SHARE)} of the time in which it was ready to run.`,
    'rows: any that were lost (kind dropped-rows).',
    'pauses: EVDIAG_SLOW_MS or more in which a debugger held the thread (kind paused).',
  ],
  limits: ['It describes the recording, not the program.'],
  kinds: [
    {
      kind: 'contention',
      title: 'a busy host',
      remedy: 'Record on a host, or in a container, with a free core.',
      example: 'taskset -c 1 node -r evdiag/agent app.js # a core of its own',
    },
    {
      kind: 'dropped-rows',
      title: 'lost rows',
      remedy: 'Give the recording more room: EVDIAG_MAX_MB.',
      example: 'EVDIAG_MAX_MB=256 node -r evdiag/agent app.js',
    },
    {
      kind: 'late-samples',
      title: 'late readings',
      remedy: 'Look at the stalls first: the readings waited behind them.',
      example: 'npx evdiag report',
    },
    {
      kind: 'little-data',
      title: 'a short recording',
      remedy: 'Let the program run under its usual load for a while.',
      example: 'npx evdiag run --duration 30 -- node app.js',
    },
    {
      kind: 'paused',
      title: 'pauses of a debugger',
      remedy:
        'Disconnect the debugger. Where none is connected, look for code that uses node:inspector: error trackers that report blocked event loops pause the thread as well.',
      example:
        "session.connectToMainThread(); session.post('Debugger.pause'); // holds the main thread until it resumes",
    },
  ],
  detect: (recording) => [
    ...contention(recording),
    ...droppedRows(recording),
    ...lateSamples(recording),
    ...littleData(recording),
    ...paused(recording),
  ],
  words: ({ runQueueMs, contentionShare, droppedRows, skippedLines, maxMs, durationMs }) =>
    fragments(
      runQueueMs !== undefined && `waits for a core ${formatMs(runQueueMs)}`,
      contentionShare !== undefined && `${percent(contentionShare)} of the time`,
      droppedRows !== undefined && `${droppedRows} dropped`,
      skippedLines !== undefined && `${skippedLines} not understood`,
      maxMs !== undefined && `up to ${formatMs(maxMs)}`,
      durationMs !== undefined && `recorded ${formatMs(durationMs)}`,
    ),
};

function contention(recording: Seen): Finding<QualityEvidence>[] {
  const rows = rowsOf(recording, 'cpu').filter(
    ({ mainThreadMs, runQueueMs }) => mainThreadMs !== null && runQueueMs !== null,
  );
  const runMs = rows.reduce((sum, { mainThreadMs }) => sum + (mainThreadMs ?? 0), 0);
  const queueMs = rows.reduce((sum, { runQueueMs }) => sum + (runQueueMs ?? 0), 0);
  const share = queueMs / (runMs + queueMs);
  if (!(share >= CONTENTION_SHARE) || queueMs < LEAST_QUEUE_MS) return [];
  return finding(
    'contention',
    rows.length,
    `The thread waited for a core ${percent(share)} of the time in which it was ready to run: durations are longer than those of the code itself.`,
    {
      runQueueMs: round(queueMs),
      contentionShare: round(share, 3),
    },
  );
}

/** What to change, by why rows went away. */
const REMEDIES: Record<string, string> = {
  [REASONS.unwritten]: 'Put the recording on a disk with room, where it can always be written: EVDIAG_OUT.',
  [REASONS.removed]: 'Keep clean-up jobs away from the recording while the program runs.',
};

function droppedRows(recording: Seen): Finding<QualityEvidence>[] {
  const { droppedRows, skippedLines } = recording;
  if (droppedRows + skippedLines === 0) return [];
  const reasons = new Map<string, number>();
  for (const { why, rows } of rowsOf(recording, 'dropped')) reasons.set(why, (reasons.get(why) ?? 0) + rows);
  const lost = (count: number): string => `${plural(count, 'row was', 'rows were')} dropped`;
  const known = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...reasons].map(([why, count]) => `${lost(count)}: ${stripControl(why)}`);
  if (droppedRows > known) parts.push(lost(droppedRows - known));
  if (skippedLines > 0) parts.push(`${plural(skippedLines, 'row')} could not be read`);
  const [mostly] = [...reasons].sort(([, a], [, b]) => b - a)[0] ?? [];
  const evidence = { droppedRows, skippedLines };
  return finding('dropped-rows', droppedRows + skippedLines, `${parts.join('; ')}.`, evidence, REMEDIES[mostly ?? '']);
}

function lateSamples(recording: Seen): Finding<QualityEvidence>[] {
  const rows = rowsOf(recording, 'event-loop-utilization');
  const gaps = rows.map(({ activeMs, idleMs }) => activeMs + idleMs).filter((ms) => ms >= LATE_MS);
  if (gaps.length === 0) return [];
  const maxMs = maxOf(gaps);
  return finding(
    'late-samples',
    gaps.length,
    `${plural(gaps.length, 'reading')} came late, one after ${round(maxMs / 1000)} s instead of 1 s.`,
    {
      maxMs: round(maxMs),
    },
  );
}

function littleData({ durationMs }: Seen): Finding<QualityEvidence>[] {
  if (durationMs >= LITTLE_DATA_MS) return [];
  return finding(
    'little-data',
    1,
    `The recording is ${round(durationMs / 1000)} s long: what builds up slowly cannot be seen in it.`,
    {
      durationMs: round(durationMs),
    },
  );
}

/** A thread at a pause waits for another one: the debugger's. Whatever waited by itself is none. */
function paused(recording: Seen): Finding<QualityEvidence>[] {
  const pauses = rowsOf(recording, 'stall')
    .filter(({ debugger: isHeld, own, kind }) => isHeld && !own && (kind === 'host' || COMPUTES.has(kind)))
    .map(({ lockedMs = 0, durationMs }) => Math.min(lockedMs, durationMs))
    .filter((ms) => ms >= recording.header.slowMs);
  if (pauses.length === 0) return [];
  const thread = recording.header.threadId === 0 ? 'main thread' : 'worker thread';
  const maxMs = maxOf(pauses);
  return finding(
    'paused',
    pauses.length,
    `A debugger, or code that uses node:inspector, held the ${thread} ${plural(pauses.length, 'time')}, up to ${formatMs(maxMs)}: that time is neither your code's nor the machine's.`,
    { maxMs: round(maxMs) },
  );
}

function finding(
  kind: string,
  count: number,
  message: string,
  evidence: QualityEvidence,
  remedy?: string,
): Finding<QualityEvidence>[] {
  const one = findingOf(recordingQuality, {
    ...{ kind, severity: 'info', lostMs: count, message, location: null, count },
    ...{ confidence: CONFIDENCE.stated, evidence, ...(remedy !== undefined && { remedy }) },
  });
  return [{ ...one, score: Math.min(MOST_SCORE, one.score) }];
}
