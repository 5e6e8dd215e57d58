import { basename, dirname } from 'node:path';
import { threadName } from '../../../recording/thread-name.ts';
import type { Header, Recording } from '../../../recording/types.ts';
import type { Report } from '../../../report/types.ts';
import { formatBytes, formatMs, formatShare } from '../../../util/text.ts';
import { threadKey } from '../moment.ts';
import { lastOf } from '../rows.ts';
import { line } from '../text.ts';
import type { Item, Moment, Tab } from '../types.ts';
import { calmState, isBlocked, openStall } from './stalls.ts';

const MAX_DEPTH = 5;

export const threads: Tab = {
  id: 'threads',
  title: 'Processes',
  columns: [
    { title: 'process, thread', width: 24 },
    { title: 'state', width: 8 },
    { title: 'busy', width: 6, right: true },
    { title: 'CPU', width: 6, right: true },
    { title: 'p99', width: 8, right: true },
    { title: 'heap', width: 9, right: true, from: 100 },
    { title: 'findings', width: 9, right: true, from: 100 },
    { title: 'command' },
  ],
  sortColumn: 0,
  empty: () => 'No process yet.',
  summary: () => [line('Enter shows it in the other tabs; < and > show the previous, next one.', 'dim')],
  items: (moment) => moment.recordings.map((recording, i) => toItem(recording, i, moment)),
};

function toItem(recording: Recording, index: number, moment: Moment): Item {
  const { header } = recording;
  const key = threadKey(header);
  const busy = lastOf(recording, 'event-loop-utilization')?.utilization;
  const cpu = cpuShare(recording);
  const p99 = lastOf(recording, 'event-loop-delay')?.p99Ms;
  const heap = lastOf(recording, 'memory')?.heapUsedBytes;
  const ended = lastOf(recording, 'end') !== undefined;
  const open = ended ? null : openStall(recording);
  const state = ended ? 'ended' : !open ? 'runs' : isBlocked(recording, open) ? 'blocked' : calmState(open);
  const count = moment.report ? findingsOf(header, moment.report) : 0;
  const command = header.threadId === 0 ? commandOf(header) : '';
  const shown = <T extends number | null | undefined>(value: T, format: (value: NonNullable<T>) => string): string =>
    value == null ? '?' : format(value);
  return {
    key,
    cells: () => [
      `${key === threadKey(moment.chosen.header) ? '●' : ' '} ${indent(recording, moment)}${nameOf(header)}`,
      state,
      shown(busy, formatShare),
      shown(cpu, formatShare),
      shown(p99, formatMs),
      shown(heap, formatBytes),
      moment.report ? String(count) : '?',
      command,
    ],
    // The order of the family: parents before their children.
    value: (column) => [-index, state, busy ?? -1, cpu ?? -1, p99 ?? -1, heap ?? -1, count, command][column]!,
    tone: ended ? 'dim' : state === 'blocked' ? 'bad' : 'plain',
    location: null,
    // Enter shows it in the other tabs.
    details: () => [],
  };
}

function nameOf({ pid, threadId }: Header): string {
  return threadId === 0 ? `pid ${pid}` : threadName(threadId);
}

/** By the number of parents among those that are shown; a shell between two of them is not visible. */
function indent({ header, path }: Recording, { recordings }: Moment): string {
  const [root] = recordings;
  const parents = new Map(recordings.map((one) => [one.header.pid, one.header.parentPid]));
  let [depth, top] = [header.threadId === 0 ? 0 : 1, header.pid];
  for (; parents.has(parents.get(top)!) && depth < MAX_DEPTH; top = parents.get(top)!) depth++;
  const isBeside = top === root!.header.pid || parents.get(top) === root!.header.parentPid;
  const isStarted = !isBeside && path !== null && dirname(path) === dirname(root!.path ?? '');
  return '  '.repeat(depth + (isStarted ? 1 : 0));
}

function findingsOf(header: Header, { processes, findings }: Report): number {
  const of = processes?.find((one) => threadKey(one) === threadKey(header));
  return of?.findings ?? findings.length;
}

/** "node server.js --port 80" */
function commandOf({ argv: [node = '', script, ...args] }: Pick<Header, 'argv'>): string {
  return [basename(node), ...(script === undefined ? [] : [basename(script)]), ...args].join(' ');
}

/** Of the thread, as a share of a core; null if the platform does not report it. */
export function cpuShare(recording: Recording): number | null {
  const row = lastOf(recording, 'cpu');
  return !row || row.mainThreadMs === null || row.intervalMs <= 0 ? null : row.mainThreadMs / row.intervalMs;
}
