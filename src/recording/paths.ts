import { join } from 'node:path';

/** Rows newer than those of the older chunk. */
export const RECORDING_FILE = 'recording.ndjson';
/** The older chunk, once the recording has reached half of its size limit. */
export const OLDER_FILE = 'recording.1.ndjson';

/** `YYYYMMDD-HHMMSS-pid`, in UTC: sorts by time. */
export function familyName(pid: number, now: Date): string {
  // Without regular expressions: V8 would compile them during the agent's start.
  const iso = now.toISOString();
  const [date, time] = [iso.slice(0, 10), iso.slice(11, 19)];
  return `${date.split('-').join('')}-${time.split(':').join('')}-${pid}`;
}

/** The folder of one thread of one process within its family. */
export function recordingFolder(family: string, pid: number, threadId = 0): string {
  return join(family, threadId === 0 ? `main-${pid}` : `worker-${pid}-${threadId}`);
}
