import { UNFINISHED } from '../../../../src/recording/types.ts';
import { byLabel, counter, gauge } from '../families.ts';
import type { Collector, MetricsSource } from '../types.ts';

/** What is followed is reported once a second; after this time it is followed no more. */
const CURRENT_MS = 5000;

/** What is open in the main thread, and its worker threads. */
export function resources({ now, blockedMs }: MetricsSource): Collector {
  let active: { total: number; counts: Record<string, number> } | null = null;
  let threads = { started: 0, alive: 0 };
  let unfinished: { at: number; alive: Map<string, number> } | null = null;
  return {
    onRow(row, threadId) {
      if (threadId !== 0) return;
      if (row.type === 'active-resources') active = row;
      else if (row.type === 'threads') threads = row;
      else if (row.type === 'unfinished') {
        const alive = new Map<string, number>(UNFINISHED.map((what) => [what, 0]));
        for (const entry of row.entries) alive.set(entry.what, (alive.get(entry.what) ?? 0) + entry.alive);
        unfinished = { at: row.t, alive };
      }
    },
    read() {
      const isCurrent = unfinished !== null && now() - unfinished.at - blockedMs() < CURRENT_MS;
      return [
        gauge(
          'nodejs_active_resources',
          'Number of active resources that are currently keeping the event loop alive, grouped by async resource type.',
          byLabel('type', Object.entries(active?.counts ?? {})),
        ),
        gauge('nodejs_active_resources_total', 'Total number of active resources.', active?.total ?? null),
        gauge(
          'evdiag_unfinished',
          'What was started and has not ended, by what it is: awaits, calls, reactions, promises, handles, listeners; an estimate, absent while nothing is followed.',
          isCurrent ? byLabel('what', unfinished!.alive) : [],
        ),
        gauge('evdiag_worker_threads', 'Worker threads that are alive.', threads.alive),
        counter('evdiag_worker_threads_started_total', 'Worker threads that were started.', threads.started),
      ];
    },
  };
}
