import { threadName } from '../../recording/thread-name.ts';
import type { Header } from '../../recording/types.ts';
import { clean, fileName } from './text.ts';
import type { TraceEvent } from './types.ts';

export type Process = Pick<Header, 'pid' | 'threadId' | 'argv'>;

/** Additional tracks of a thread: what is measured from outside does not fit into its slices to the µs. */
const BESIDE = { stalls: 1, collections: 2 } as const;
/** More than a process has threads. */
const TRACK_NUMBERS = 1_000_000;

export function trackOf(threadId: number, kind: keyof typeof BESIDE): number {
  return BESIDE[kind] * TRACK_NUMBERS + threadId;
}

/** What the viewers call process and thread. */
export function namesOf({ pid, threadId, argv }: Process, beside: readonly (keyof typeof BESIDE)[] = []): TraceEvent[] {
  const meta = (tid: number, name: string, args: Record<string, unknown>): TraceEvent => ({
    ph: 'M',
    name,
    pid,
    tid,
    args,
  });
  const track = (tid: number, name: string): TraceEvent[] => [
    meta(tid, 'thread_name', { name }),
    meta(tid, 'thread_sort_index', { sort_index: tid === threadId ? threadId : tid }),
  ];
  return [
    ...(threadId === 0 ? [meta(0, 'process_name', { name: clean(argv.map(fileName).join(' ')) })] : []),
    ...track(threadId, threadName(threadId)),
    ...beside.flatMap((kind) => track(trackOf(threadId, kind), `${threadName(threadId)}: ${kind}`)),
  ];
}
