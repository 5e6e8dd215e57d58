import type { Header } from './types.ts';

/** "main thread", "worker 2": within a process. */
export function threadName(threadId: number): string {
  return threadId === 0 ? 'main thread' : `worker ${threadId}`;
}

/** "main thread of pid 123", "worker 2 of pid 123": within a family. */
export function fullThreadName({ pid, threadId }: Pick<Header, 'pid' | 'threadId'>): string {
  return `${threadName(threadId)} of pid ${pid}`;
}
