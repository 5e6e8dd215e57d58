import { GAP_INTERVALS } from '../profile/read-cpuprofile.ts';
import { cpuProfileOf } from '../protocol/answers.ts';
import type { CpuProfiled, CpuProfileRequest, V8CpuProfile } from '../protocol/profile-parts.ts';
import type { Connection } from './connect.ts';
import { type Gathered, gatherThreads, readText } from './gather-threads.ts';

/** What comes behind the end of the time: V8 may take a minute to hand out a large profile. */
const PATIENCE_MS = 90_000;

/** The CPU profile of one thread, and how far it can be believed. */
export interface TakenCpuProfile {
  pid: number;
  /** 0 is the main thread. */
  threadId: number;
  profile: V8CpuProfile;
  intervalUs: number;
  spanMs: number;
  sampleCount: number;
  /** Estimated from the gaps: the host gave the sampler no core. */
  missedCount: number;
  /** Whether functions that were optimised before are in it. */
  warmCode: boolean;
  /** Whether inlined functions have their own time. */
  apart: boolean;
  /** Absolute path of the agent. */
  agentFile: string;
}

/** Takes CPU profiles of all threads at once. Rejects with TargetError, also where no thread has one. */
export function takeCpuProfiles(
  connection: Connection,
  request: CpuProfileRequest,
): Promise<Gathered<TakenCpuProfile>> {
  const { pid } = connection.hello;
  return gatherThreads(connection, {
    method: 'cpu-profile',
    params: request,
    timeoutMs: request.durationMs + PATIENCE_MS,
    what: 'profile',
    readerFor: () =>
      readText((text, { threadId, intervalUs, warmCode, apart, agentFile }: CpuProfiled) => {
        const profile = cpuProfileOf(text);
        return { pid, threadId, ...measured(profile, intervalUs), warmCode, apart, agentFile };
      }),
  });
}

function measured(profile: V8CpuProfile, intervalUs: number) {
  const { timeDeltas, samples, startTime, endTime } = profile;
  let missedCount = 0;
  // The first one is the start of the profiler itself.
  for (const delta of timeDeltas.slice(1))
    if (delta > GAP_INTERVALS * intervalUs) missedCount += Math.round(delta / intervalUs) - 1;
  return { profile, intervalUs, spanMs: (endTime - startTime) / 1000, sampleCount: samples.length, missedCount };
}
