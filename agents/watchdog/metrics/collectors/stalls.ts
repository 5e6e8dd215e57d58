import { STALL_KINDS, type StallRow } from '../../../../src/recording/types.ts';
import { Buckets, byLabel, counter, gauge, neverFalling } from '../families.ts';
import type { Collector, MetricsSource } from '../types.ts';

/** Seconds. */
const DURATION_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Stalls of the main thread; those of worker threads, which exist to compute, are counted apart. */
export function stalls({ blockedMs, slowMs }: MetricsSource): Collector {
  const counts = new Map<string, number>(STALL_KINDS.map((kind) => [kind, 0]));
  const durations = new Buckets(DURATION_BUCKETS);
  const blocked = neverFalling();
  let [ofWorkers, startupMs, totalMs] = [0, 0, 0];
  const count = (row: StallRow): void => {
    totalMs += row.durationMs;
    if (row.startup) startupMs += row.durationMs;
    else {
      counts.set(row.kind, (counts.get(row.kind) ?? 0) + 1);
      durations.add(row.durationMs / 1000);
    }
  };
  return {
    onRow(row, threadId) {
      // Neither a breakpoint nor what evdiag itself did for a person.
      if (row.type !== 'stall' || row.debugger || row.own) return;
      if (threadId === 0) count(row);
      else ofWorkers++;
    },
    read() {
      const openMs = blockedMs() >= slowMs ? blockedMs() : 0;
      return [
        counter(
          'evdiag_stalls_total',
          'Times that the event loop was blocked for EVDIAG_SLOW_MS or longer, by what blocked it; without start-up.',
          byLabel('kind', counts),
        ),
        {
          name: 'evdiag_stall_duration_seconds',
          help: 'How long these stalls took.',
          type: 'histogram',
          samples: durations.samples(),
        },
        gauge(
          'evdiag_stall_open_seconds',
          'How long the event loop has been blocked by now; 0 if it is not.',
          openMs / 1000,
        ),
        counter(
          'evdiag_blocked_seconds_total',
          'Time that the event loop was blocked by stalls; includes start-up and what is still on.',
          blocked(totalMs + openMs) / 1000,
        ),
        gauge('evdiag_startup_blocked_seconds', 'The part of it at start-up.', startupMs / 1000),
        counter('evdiag_worker_stalls_total', 'Stalls of worker threads.', ofWorkers),
      ];
    },
  };
}
