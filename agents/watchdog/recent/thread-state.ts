import { arch } from 'node:process';
import { FUTEX_CALLS, isFutexCall } from '../platform/futex-calls.ts';
import { openThreadFile, type ThreadFileReader } from '../platform/thread-file.ts';

/** Numbers of epoll_wait, epoll_pwait and epoll_pwait2, by architecture: the calls in which libuv waits for events. */
const WAITING: Record<string, readonly number[]> = {
  x64: [232, 281, 441],
  arm64: [22, 441],
  riscv64: [22, 441],
  loong64: [22, 441],
  ppc64: [238, 303, 441],
  s390x: [250, 312, 441],
};

/** Waits for events, waits within another system call, or runs; null if the platform does not report it. */
export type ThreadState = 'events' | 'blocked' | 'running' | null;

export type ThreadStateReader = ThreadFileReader<NonNullable<ThreadState>>;

/**
 * What a thread of this process is doing, from Linux' `syscall`: "running", or the number of the system call
 * that it waits in. This does not disturb it (50 µs here).
 * https://man7.org/linux/man-pages/man5/proc_pid_syscall.5.html
 */
export function openThreadState(thread: number | null): ThreadStateReader {
  const waiting = WAITING[arch];
  return openThreadFile(waiting ? thread : null, 'syscall', (text) => {
    const call = Number(text.split(' ')[0]);
    if (waiting!.includes(call)) return 'events';
    return call >= 0 ? 'blocked' : 'running';
  });
}

/** Whether a thread of this process waits in a lock or in Atomics.wait; null if the platform does not report it. */
export function openFutexWait(thread: number | null): ThreadFileReader<boolean> {
  return openThreadFile(FUTEX_CALLS ? thread : null, 'syscall', (text) => isFutexCall(text));
}
