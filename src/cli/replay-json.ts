import type { Family } from '../recording/reader.ts';
import { endOf, eventsOf, inOneGo, markSteps } from '../tui/state/moment.ts';

/** What `evdiag replay --json` prints. */
const REPLAY_SCHEMA = 'evdiag-replay/1';

/** What happened when, on the clock of the first recording: events as their rows, findings with the time they were first there. */
export function replayOf({ path, recordings }: Family) {
  return {
    schema: REPLAY_SCHEMA,
    path,
    durationMs: endOf(recordings),
    recordings: recordings.map(({ header, rows, durationMs, truncated }) => ({
      ...header,
      rows: rows.length,
      durationMs,
      truncated,
    })),
    events: eventsOf(recordings).map(({ atMs, recording: { header }, row: { t: _, ...row } }) => ({
      atMs,
      pid: header.pid,
      threadId: header.threadId,
      ...row,
    })),
    findings: inOneGo(markSteps(recordings)).map(({ atMs, finding }) => ({ atMs, ...finding })),
  };
}
