import type { Finding } from '../detectors/types.ts';

/** This many threads are named; the others are counted. */
const MAX_NAMES = 8;
/** In a report for people, where the names must fit a line. */
const MAX_NAMES_IN_TEXT = 4;

/** The threads that a finding was seen in, the worst first. */
export function seenIn(names: readonly string[]): Pick<Finding, 'threads' | 'threadCount'> {
  return { threads: names.slice(0, MAX_NAMES), threadCount: names.length };
}

/** "worker 2 of pid 123, worker 3 of pid 123 and 5 more" */
export function namesText(names: readonly string[], count: number = names.length): string {
  const shown = names.slice(0, MAX_NAMES_IN_TEXT);
  return count > shown.length ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ');
}
