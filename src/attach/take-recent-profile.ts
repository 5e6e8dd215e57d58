import type { RecentProfilePart, RecentProfileRequest, V8CpuProfile } from '../protocol/profile-parts.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

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

export interface RecentProfiles {
  threads: RecentProfile[];
  /** Of threads without one: why. */
  problems: { threadId: number; problem: string }[];
}

/** Asks what the threads did in the last seconds. Rejects with TargetError, also where no thread can tell. */
export async function takeRecentProfiles(
  connection: Connection,
  request: RecentProfileRequest,
): Promise<RecentProfiles> {
  const texts = new Map<number, string>();
  const threads: RecentProfile[] = [];
  const problems: RecentProfiles['problems'] = [];
  const onPart = (value: unknown): void => {
    const part = value as RecentProfilePart;
    const { threadId } = part;
    const text = texts.get(threadId) ?? '';
    if (part.part === 'profile') texts.set(threadId, text + part.text);
    else if (part.problem !== null || text === '') problems.push({ threadId, problem: part.problem ?? 'nothing came' });
    else
      threads.push({
        pid: connection.hello.pid,
        threadId,
        profile: JSON.parse(text) as V8CpuProfile,
        intervalUs: part.intervalUs,
      });
  };
  await connection.request('recent-profile', request, { onPart, timeoutMs: ANSWER_MS });
  if (threads.length > 0) return { threads, problems };
  throw new TargetError(
    `No profile of process ${connection.hello.pid}: ${problems[0]?.problem ?? 'it has no thread'}.`,
  );
}
