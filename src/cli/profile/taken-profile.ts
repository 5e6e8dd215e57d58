import type { TakenCpuProfile } from '../../attach/take-cpu-profile.ts';
import type { RecentProfile } from '../../attach/take-recent-profile.ts';
import { readCpuProfile } from '../../profile/read-cpuprofile.ts';
import type { ThreadProfile } from '../../profile/types.ts';
import type { FrameMapper } from '../../recording/source-maps.ts';
import { threadName } from '../../recording/thread-name.ts';

/** A CPU profile as it came over the socket, without what the agent did. */
export function toThreadProfile(taken: TakenCpuProfile, map?: FrameMapper): ThreadProfile {
  const { pid, threadId, profile, intervalUs, warmCode, apart, agentFile } = taken;
  return readCpuProfile(profile, {
    name: threadName(threadId),
    taken: { interval: intervalUs, warmCode, apart },
    origin: { pid, threadId },
    map,
    agentFile,
  });
}

/** The last seconds of a thread. The stacks are the agent's own: they have warm code and inlined functions, and not the agent. */
export function recentThreadProfile(
  { pid, threadId, profile, intervalUs }: RecentProfile,
  map?: FrameMapper,
): ThreadProfile {
  const taken = { interval: intervalUs, warmCode: true, apart: true, safepoints: true } as const;
  return readCpuProfile(profile, { name: threadName(threadId), taken, origin: { pid, threadId }, map });
}
