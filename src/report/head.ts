import { type Finding, SEVERITIES } from '../detectors/types.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import { isWrapper } from './wrapper.ts';

interface Judged {
  recording: Recording;
  findings: readonly Finding[];
}

/**
 * Index of the thread at the head of a family's report: the main thread of the program that matters. A process that only waits for
 * another one is skipped. Of several programs side by side it is the one with the worst finding, then with the most work.
 * `family` is in its order, and not empty.
 */
export function headOf(family: readonly Judged[]): number {
  const mains = family.filter(({ recording }) => recording.header.threadId === 0);
  const headers = mains.map(({ recording }) => recording.header);
  const programs = mains.filter(({ recording, findings }) => !isWrapper(recording, findings, headers));
  const pids = new Set(programs.map(({ recording }) => recording.header.pid));
  const roots = programs.filter(({ recording: { header } }) => !pids.has(header.parentPid));
  const [first] = roots.sort((a, b) => worstOf(b) - worstOf(a) || busyMs(b) - busyMs(a));
  return first ? family.indexOf(first) : 0;
}

function worstOf({ findings }: Judged): number {
  return Math.max(-1, ...findings.map(({ severity }) => SEVERITIES.indexOf(severity)));
}

function busyMs({ recording }: Judged): number {
  return rowsOf(recording, 'event-loop-utilization').reduce((sum, { activeMs }) => sum + activeMs, 0);
}
