/** Programs that start another one and wait for it: npm, npx, corepack, the parent of a loader, a supervisor. */
import { type Finding, SEVERITIES } from '../detectors/types.ts';
import { type Header, type Recording, rowsOf } from '../recording/types.ts';

/** Share of the time since the other one began: a waiting process only passes signals and output on. */
const MOST_BUSY = 0.05;
/** The time a wrapper still works then; npm checks for a newer version of itself. */
const SETTLE_MS = 2000;

type Process = Pick<Header, 'pid' | 'parentPid' | 'threadId' | 'startMonotonicMs' | 'argv'>;

/**
 * Whether a process did little but wait for another one of its family, and nothing was found in it meanwhile. `beside`
 * are the other main threads of the family. The members of a cluster run the same program as their primary, which is not a wrapper.
 */
export function isWrapper(recording: Recording, findings: readonly Finding[], beside: readonly Process[]): boolean {
  const { header } = recording;
  if (header.threadId !== 0) return false;
  const known = new Set([header.pid, ...beside.map(({ pid }) => pid)]);
  const starts = beside
    .filter(({ pid, parentPid, threadId }) => {
      // A shell between them is not a process of the family.
      const isBelow = parentPid === header.pid || !known.has(parentPid);
      return threadId === 0 && pid !== header.pid && isBelow;
    })
    .filter(({ argv }) => argv[1] !== header.argv[1])
    .map(({ startMonotonicMs }) => startMonotonicMs - header.startMonotonicMs)
    .filter((ms) => ms > 0 && ms < recording.durationMs);
  if (starts.length === 0) return false;
  const sinceMs = Math.min(...starts);
  return busyShare(recording, sinceMs) < MOST_BUSY && !findings.some((finding) => isAlarmSince(finding, sinceMs));
}

/** Of the seconds that began well after that; 0 if there are none. */
function busyShare(recording: Recording, sinceMs: number): number {
  const rows = rowsOf(recording, 'event-loop-utilization').filter(
    ({ t, activeMs, idleMs }) => t - activeMs - idleMs >= sinceMs + SETTLE_MS,
  );
  const activeMs = rows.reduce((sum, row) => sum + row.activeMs, 0);
  const idleMs = rows.reduce((sum, row) => sum + row.idleMs, 0);
  return activeMs + idleMs > 0 ? activeMs / (activeMs + idleMs) : 0;
}

function isAlarmSince({ severity, span }: Finding, sinceMs: number): boolean {
  return SEVERITIES.indexOf(severity) > 0 && (span?.lastMs ?? Number.POSITIVE_INFINITY) >= sinceMs;
}
