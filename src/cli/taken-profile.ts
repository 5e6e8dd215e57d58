import type { TakenCpuProfile } from '../attach/take-cpu-profile.ts';
import { readCpuProfile } from '../profile/read-cpuprofile.ts';
import type { ThreadProfile } from '../profile/types.ts';

/** A CPU profile as it came over the socket. */
export function toThreadProfile(taken: TakenCpuProfile): ThreadProfile {
  const { pid, threadId, profile, intervalUs, warmCode, apart } = taken;
  return readCpuProfile(profile, {
    name: nameOf(threadId),
    taken: { interval: intervalUs, warmCode, apart },
    origin: { pid, threadId },
  });
}

export function nameOf(threadId: number): string {
  return threadId === 0 ? 'main thread' : `worker ${threadId}`;
}
