import { type WhyThread, whyThread } from '../why/alive.ts';
import type { Connection } from './connect.ts';
import { gatherThreads } from './gather-threads.ts';

/** Each thread answers within seconds, or is said not to. */
const ANSWER_MS = 30_000;

/** What keeps the threads of a process alive, the main thread first. Rejects with TargetError. */
export async function takeWhy(connection: Connection): Promise<WhyThread[]> {
  const { threads } = await gatherThreads(connection, {
    method: 'why',
    params: {},
    timeoutMs: ANSWER_MS,
    what: 'answer',
    readerFor: () => whyThread,
  });
  return threads;
}
