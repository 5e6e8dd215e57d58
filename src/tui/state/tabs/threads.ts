import type { Recording } from '../../../recording/types.ts';
import { threadName } from '../../../report/threads.ts';
import { formatBytes, formatMs, formatShare } from '../../../util/text.ts';
import { factLines, lastOf, trend } from '../facts.ts';
import { threadKey } from '../moment.ts';
import { line } from '../text.ts';
import type { Item, Moment, Tab } from '../types.ts';
import { openStall } from './stalls.ts';

export const threads: Tab = {
  id: 'threads',
  title: 'Threads',
  columns: [
    { title: 'thread', width: 30 },
    { title: 'busy', width: 6, right: true },
    { title: 'CPU', width: 6, right: true },
    { title: 'p99', width: 8, right: true },
    { title: 'heap', width: 9, right: true, from: 100 },
    { title: 'findings', width: 8, right: true, from: 100 },
    { title: 'state' },
  ],
  sortColumn: 1,
  empty: () => 'No thread yet.',
  summary: () => [line('Enter shows a thread in the other tabs.', 'dim')],
  items: (moment) => moment.recordings.map((recording) => toItem(recording, moment)),
};

function toItem(recording: Recording, { chosen, report }: Moment): Item {
  const { header } = recording;
  const key = threadKey(header);
  const busy = lastOf(recording, 'event-loop-utilization')?.utilization;
  const cpu = cpuShare(recording);
  const p99 = lastOf(recording, 'event-loop-delay')?.p99Ms;
  const heap = lastOf(recording, 'memory')?.heapUsedBytes;
  const ended = lastOf(recording, 'end') !== undefined;
  const count =
    report().processes?.find(({ pid, threadId }) => threadKey({ pid, threadId }) === key)?.findings ??
    report().findings.length;
  const name = `${key === threadKey(chosen.header) ? '● ' : '  '}${threadName(header)}`;
  const state = ended ? 'ended' : openStall(recording) ? 'blocked' : 'runs';
  return {
    key,
    cells: [
      name,
      busy === undefined ? '?' : formatShare(busy),
      cpu === null ? '?' : formatShare(cpu),
      p99 === undefined ? '?' : formatMs(p99),
      heap === undefined ? '?' : formatBytes(heap),
      String(count),
      state,
    ],
    values: [name, busy ?? -1, cpu ?? -1, p99 ?? -1, heap ?? -1, count, state],
    tone: ended ? 'dim' : state === 'blocked' ? 'bad' : 'plain',
    location: null,
    details: ({ columns }) =>
      factLines(
        [
          ['thread', threadName(header)],
          ['command', header.argv.join(' ')],
          ['Node.js', header.nodeVersion],
          ['recorded', `${formatMs(recording.durationMs)} from ${header.startedAt}`],
          ['busy', trend(recording, 'event-loop-utilization', (row) => row.utilization, columns - 12)],
        ],
        columns,
      ),
  };
}

/** Of the thread, as a share of a core; null where the platform does not tell. */
export function cpuShare(recording: Recording): number | null {
  const row = lastOf(recording, 'cpu');
  return !row || row.mainThreadMs === null || row.intervalMs <= 0 ? null : row.mainThreadMs / row.intervalMs;
}
