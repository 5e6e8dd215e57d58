import { closeSync, openSync, readSync } from 'node:fs';
import { arch } from 'node:process';

/** Numbers of epoll_wait, epoll_pwait and epoll_pwait2, by architecture: the calls in which libuv waits for events. */
const WAITING: Record<string, readonly number[]> = {
  x64: [232, 281, 441],
  arm64: [22, 441],
  riscv64: [22, 441],
  loong64: [22, 441],
  ppc64: [238, 303, 441],
  s390x: [250, 312, 441],
};

/** Waits for events, waits within another system call, or runs; null where the platform does not tell. */
export type ThreadState = 'events' | 'blocked' | 'running' | null;

export interface ThreadStateReader {
  (): ThreadState;
  close(): void;
}

/**
 * What a thread of this process does at the moment, from Linux' `syscall`: "running", or the number of the system call
 * that it waits in. It is not disturbed by the question (50 µs here).
 * https://man7.org/linux/man-pages/man5/proc_pid_syscall.5.html
 */
export function openThreadState(thread: number | null): ThreadStateReader {
  const waiting = WAITING[arch];
  const file = thread === null || !waiting ? null : open(thread);
  if (file === null) return Object.assign(() => null, { close: () => {} });
  const buffer = Buffer.alloc(160);
  let closed = false;
  const read = (): ThreadState => {
    if (closed) return null;
    try {
      const [call = ''] = buffer.toString('latin1', 0, readSync(file, buffer, 0, 160, 0)).split(' ');
      if (waiting!.includes(Number(call))) return 'events';
      return Number(call) >= 0 ? 'blocked' : 'running';
    } catch {
      return null;
    }
  };
  const close = (): void => {
    if (!closed) closeSync(file);
    closed = true;
  };
  return Object.assign(read, { close });
}

/** Null where the kernel lacks it, or forbids it. */
function open(thread: number): number | null {
  try {
    const file = openSync(`/proc/self/task/${thread}/syscall`, 'r');
    try {
      readSync(file, Buffer.alloc(1), 0, 1, 0);
      return file;
    } catch {
      closeSync(file);
      return null;
    }
  } catch {
    return null;
  }
}
