import { counter } from '../families.ts';
import type { Collector } from '../types.ts';

/** What the agent itself costs. */
export function ownCost(): Collector {
  let [mainMs, watchdogMs, bytes, dropped] = [0, 0, 0, 0];
  return {
    onRow(row, threadId) {
      if (row.type === 'agent-cost') {
        mainMs += threadId === 0 ? row.mainThreadMs : 0;
        watchdogMs += row.watchdogMs ?? 0;
        if (threadId === 0) bytes = row.recordingBytes;
      } else if (row.type === 'dropped') dropped += row.rows;
    },
    read: () => [
      counter('evdiag_agent_main_thread_seconds_total', 'Time that evdiag took from the main thread.', mainMs / 1000),
      counter('evdiag_agent_watchdog_seconds_total', "CPU time of evdiag's own thread.", watchdogMs / 1000),
      counter('evdiag_agent_recording_bytes_total', "Bytes written to the main thread's recording.", bytes),
      counter('evdiag_agent_dropped_rows_total', 'Rows that were lost before they were recorded.', dropped),
    ],
  };
}
