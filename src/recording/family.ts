import { groupBy } from '../util/group-by.ts';
import type { Recording } from './types.ts';

/**
 * The root process first, then the processes it started, each before its own children; of one process the main thread
 * first, then its workers. Processes whose parent is not among them count as roots, the oldest first.
 */
export function inFamilyOrder(recordings: readonly Recording[]): Recording[] {
  const processes = byProcess(recordings);
  const roots = [...processes].filter(([, threads]) => !processes.has(parentOf(threads))).map(([pid]) => pid);
  const seen = new Set<number>();
  // Processes that are each other's parents (a damaged header) have no root: they come last.
  const waiting = [...roots, ...processes.keys()].reverse();
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const children = [...processes].filter(([, threads]) => parentOf(threads) === pid).map(([child]) => child);
    waiting.push(...children.reverse());
  }
  return [...seen].flatMap((pid) => processes.get(pid) ?? []);
}

/** Processes by age; the threads of each by number. */
function byProcess(recordings: readonly Recording[]): Map<number, Recording[]> {
  const byAge = [...recordings].sort((a, b) => a.header.startMonotonicMs - b.header.startMonotonicMs);
  const processes = groupBy(byAge, ({ header }) => header.pid);
  for (const threads of processes.values()) threads.sort((a, b) => a.header.threadId - b.header.threadId);
  return processes;
}

function parentOf([main]: readonly Recording[]): number {
  const { pid, parentPid } = main!.header;
  return parentPid === pid ? Number.NaN : parentPid;
}
