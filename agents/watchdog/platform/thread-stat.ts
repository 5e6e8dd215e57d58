import { isFutexCall } from './futex-calls.ts';
import { openThreadFile, type ThreadFileReader } from './thread-file.ts';

/** Longer than the line: 52 numbers, and a name of 15 bytes. */
const MAX_BYTES = 1024;
/** Linux reports these times in ticks of that length, whatever the kernel's own clock is (USER_HZ). */
const TICK_MS = 10;
/** The numbers after the name, as proc(5) counts them: 3 is the state. */
const FIELD = { state: 3, majorFaults: 12, diskTicks: 42 };

/**
 * Runs or is runnable; waits within a system call, for another thread, or uninterruptibly; or is held
 * (by a signal or a debugger). Uninterruptible are waits for disks and pages, and also for locks of the kernel (of the
 * address space, which starting threads take in turns) and for a starting child.
 */
export type TaskState = 'runs' | 'sleeps' | 'locked' | 'uninterruptible' | 'held';

export interface ThreadStat {
  state: TaskState;
  /** So far. */
  majorFaults: number;
  /** Waits for block devices so far; 0 if the kernel does not count them (delay accounting is off by default). */
  diskMs: number;
}

const STATES: Record<string, TaskState> = {
  R: 'runs',
  S: 'sleeps',
  I: 'sleeps',
  D: 'uninterruptible',
  T: 'held',
  t: 'held',
};

/**
 * The state of a thread, and what it waited for disks, from Linux' `stat`; null elsewhere. Reading it takes 50 µs here.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function openThreadStat(thread: number | null): ThreadFileReader<ThreadStat> {
  const stat = openThreadFile(thread, 'stat', parseStat, MAX_BYTES);
  const call = openThreadFile(thread, 'syscall', isFutexCall);
  const read = (): ThreadStat | null => {
    const seen = stat();
    if (seen?.state !== 'sleeps') return seen;
    return call() ? { ...seen, state: 'locked' } : seen;
  };
  const close = (): void => {
    stat.close();
    call.close();
  };
  return Object.assign(read, { close });
}

/** The name may hold spaces and parentheses. */
export function parseStat(text: string): ThreadStat | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): string => fields[number - FIELD.state] ?? '';
  const state = STATES[field(FIELD.state)];
  const majorFaults = Number(field(FIELD.majorFaults));
  if (!state || !Number.isFinite(majorFaults)) return null;
  return { state, majorFaults, diskMs: (Number(field(FIELD.diskTicks)) || 0) * TICK_MS };
}
