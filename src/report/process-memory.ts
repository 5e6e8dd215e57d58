import { type Recording, rowsOf } from '../recording/types.ts';
import { formatBytes } from '../util/text.ts';
import type { PeakMemory, ThreadReport } from './types.ts';

/** This many processes are named. */
const MAX_NAMES = 4;

/** Null if the recording does not have it. */
export function peakMemory(recording: Recording): PeakMemory | null {
  const rows = rowsOf(recording, 'memory');
  if (rows.length === 0) return null;
  return rows.reduce(
    (peak, { rssBytes, heapUsedBytes, externalBytes }) => ({
      residentBytes: Math.max(peak.residentBytes, rssBytes),
      heapUsedBytes: Math.max(peak.heapUsedBytes, heapUsedBytes),
      externalBytes: Math.max(peak.externalBytes, externalBytes),
    }),
    { residentBytes: 0, heapUsedBytes: 0, externalBytes: 0 },
  );
}

/** "300 MiB in 3 processes: pid 7 120 MiB, pid 9 100 MiB …"; null for a single process. */
export function processMemoryText(threads: readonly ThreadReport[]): string | null {
  const processes = threads
    .filter(({ threadId, memory }) => threadId === 0 && memory !== null)
    .map(({ pid, memory }) => ({ pid, bytes: memory!.residentBytes }))
    .sort((a, b) => b.bytes - a.bytes);
  if (processes.length < 2) return null;
  const total = processes.reduce((sum, { bytes }) => sum + bytes, 0);
  const named = processes.slice(0, MAX_NAMES).map(({ pid, bytes }) => `pid ${pid} ${formatBytes(bytes)}`);
  const more = processes.length > MAX_NAMES ? ` and ${processes.length - MAX_NAMES} more` : '';
  return `up to ${formatBytes(total)} in ${processes.length} processes: ${named.join(', ')}${more}`;
}
