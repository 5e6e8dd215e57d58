/** Profiles of a process, as they are taken over its connection. */
import type { Connection } from '../../attach/connect.ts';
import type { ThreadProblem } from '../../attach/gather-threads.ts';
import { takeCpuProfiles } from '../../attach/take-cpu-profile.ts';
import { loadedMapper, urlsOf } from '../../attach/take-loaded-maps.ts';
import { takeRecentProfiles } from '../../attach/take-recent-profile.ts';
import type { Profile, ThreadProfile } from '../../profile/types.ts';
import type { CpuProfileRequest } from '../../protocol/profile-parts.ts';
import { recentThreadProfile, toThreadProfile } from './taken-profile.ts';

export type Recorded = Pick<Profile, 'kind' | 'unit'> & { threads: ThreadProfile[]; problems: ThreadProblem[] };

/** A new CPU profile of all threads. Rejects with TargetError. */
export async function recordCpu(connection: Connection, request: CpuProfileRequest): Promise<Recorded> {
  const { threads, problems } = await takeCpuProfiles(connection, request);
  const map = await loadedMapper(
    connection,
    threads.flatMap(({ profile }) => urlsOf(profile)),
  );
  return { kind: 'cpu', unit: 'us', threads: threads.map((taken) => toThreadProfile(taken, map)), problems };
}

/** What the agent remembers of the main thread's last seconds. Rejects with TargetError. */
export async function recordRecent(connection: Connection, lastMs: number): Promise<Recorded> {
  const { threads, problems } = await takeRecentProfiles(connection, { lastMs });
  const map = await loadedMapper(
    connection,
    threads.flatMap(({ profile }) => urlsOf(profile)),
  );
  return { kind: 'cpu', unit: 'us', threads: threads.map((taken) => recentThreadProfile(taken, map)), problems };
}
