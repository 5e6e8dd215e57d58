import { rowsOf, type View } from '../../recording/types.ts';
import { maxOf, median } from '../../util/numbers.ts';
import { formatBytes } from '../../util/text.ts';
import { SECOND_ROWS, secondsOf, waitingIn } from '../busy-time.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { WARNING_STALL_MS, WARNING_STALLS } from '../limits.ts';
import { round } from '../severity.ts';
import type { Detector, Severity, Times } from '../types.ts';

/** A pause that people notice on top of the time of a request. */
const PAUSE_MS = 50;
/** And one that exceeds the program's usual delays. */
const OWN_P99_FACTOR = 4;

export interface GcPauseEvidence extends Times {
  heapUsedBytes: number;
}

const READS = [...SECOND_ROWS, 'memory', 'stall'] as const;
type Seen = View<(typeof READS)[number]>;

export const gcPause: Detector<GcPauseEvidence, typeof READS> = {
  id: 'gc-pause',
  title: 'long pause of the garbage collector',
  description:
    'Single garbage collections stopped the main thread for a noticeable time: the more objects are alive, the longer a major ' +
    'collection takes. Pauses long enough to be a stall are reported as blocked-event-loop, kind gc.',
  remedy:
    'Keep fewer objects alive (caches as Buffers, typed arrays or in another process), or give the heap room so that collections are rarer (--max-old-space-size).',
  reads: READS,
  needs: ['event-loop-utilization', ['gc', 'memory']],
  thresholds: [
    `pause: ${PAUSE_MS} ms or more, without start-up and waits for a core, and ${OWN_P99_FACTOR} times the program's own usual p99 of the delay.`,
    `warning: ${WARNING_STALLS} seconds with such a pause, or one of ${WARNING_STALL_MS} ms, while servers, sockets or timers waited.`,
  ],
  limits: [
    'There is no line: a collection belongs to the whole heap. `evdiag leaks` and `evdiag profile --allocations` show what is alive and who allocates it.',
  ],
  kinds: [
    {
      kind: 'gc',
      title: 'a collection of a large heap',
      remedy:
        'Keep fewer objects alive, or move large data out of the V8 heap (Buffers, typed arrays, another process).',
      example:
        'const cache = new Map(rows.map((row) => [row.id, row])); // millions of objects to mark\nconst table = new Float64Array(rows.length * 4);         // one',
    },
  ],
  detect(recording) {
    const limitMs = Math.max(PAUSE_MS, OWN_P99_FACTOR * usualP99(recording));
    const known = rowsOf(recording, 'stall').filter(({ kind, startup }) => kind === 'gc' || startup);
    const pauses = secondsOf(recording)
      .filter(
        ({ t, gcMaxMs }) => gcMaxMs >= limitMs && !known.some((stall) => stall.startMs <= t && stall.t >= t - 2000),
      )
      .map(({ gcMaxMs }) => gcMaxMs);
    if (pauses.length === 0) return [];
    const maxMs = maxOf(pauses);
    const totalMs = pauses.reduce((sum, ms) => sum + ms, 0);
    const severity = severityOf(pauses.length, maxMs, waitingIn(recording));
    const heap = maxOf(rowsOf(recording, 'memory').map(({ heapUsedBytes }) => heapUsedBytes));
    const times = { maxMs: round(maxMs), totalMs: round(totalMs) };
    return [
      findingOf(gcPause, {
        severity,
        lostMs: totalMs,
        kind: 'gc',
        message: `The garbage collector stopped the main thread for up to ${Math.round(maxMs)} ms at a time, with ${round(heap / 1e6, 0)} MB of objects on the heap.`,
        remedy: gcPause.remedy,
        location: null,
        count: pauses.length,
        confidence: CONFIDENCE.indirect,
        times,
        evidence: { ...times, heapUsedBytes: heap },
      }),
    ];
  },
  words: ({ heapUsedBytes }) => [`a heap of ${formatBytes(heapUsedBytes)}`],
  merge: (evidences) => ({
    ...evidences[0]!,
    maxMs: maxOf(evidences.map(({ maxMs }) => maxMs)),
    totalMs: round(evidences.reduce((sum, { totalMs }) => sum + totalMs, 0)),
  }),
};

function usualP99(recording: Seen): number {
  const values = rowsOf(recording, 'event-loop-delay').map(({ p99Ms }) => p99Ms);
  return median(values, 0);
}

function severityOf(count: number, maxMs: number, waiting: number): Severity {
  if (waiting === 0) return 'info';
  return count >= WARNING_STALLS || maxMs >= WARNING_STALL_MS ? 'warning' : 'info';
}
