import { cpuProfileOf } from '../protocol/answers.ts';
import type { RecentProfiled, RecentProfileRequest, V8CpuProfile } from '../protocol/profile-parts.ts';
import type { Connection } from './connect.ts';
import { type Gathered, gatherThreads, readText } from './gather-threads.ts';

/** The agent has it in its memory. */
const ANSWER_MS = 10_000;

/** What a thread did in the last seconds. */
export interface RecentProfile {
  pid: number;
  /** 0 is the main thread. */
  threadId: number;
  profile: V8CpuProfile;
  /** Mean time between two stacks of a thread that is busy. */
  intervalUs: number;
}

/** Asks what the threads did in the last seconds. Rejects with TargetError, also if no thread has a profile. */
export function takeRecentProfiles(
  connection: Connection,
  request: RecentProfileRequest,
): Promise<Gathered<RecentProfile>> {
  const { pid } = connection.hello;
  return gatherThreads(connection, {
    method: 'recent-profile',
    params: request,
    timeoutMs: ANSWER_MS,
    what: 'profile',
    readerFor: () =>
      readText((text, { threadId, intervalUs }: RecentProfiled) => {
        return { pid, threadId, profile: cpuProfileOf(text), intervalUs };
      }),
  });
}
