import type { CpuProfilePart, CpuProfileRequest, V8CpuProfile } from '../protocol/profile-parts.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

/** What comes behind the end of the time: V8 may take a minute to hand out a large profile. */
const PATIENCE_MS = 90_000;
/** V8's sampler is late by less; a longer gap lacks samples. */
const GAP = 1.5;

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

export interface CpuProfiles {
  threads: TakenCpuProfile[];
  /** Of threads without one: why. */
  problems: { threadId: number; problem: string }[];
}

/** Takes CPU profiles of all threads at once. Rejects with TargetError, also where no thread has one. */
export async function takeCpuProfiles(connection: Connection, request: CpuProfileRequest): Promise<CpuProfiles> {
  const texts = new Map<number, string[]>();
  const threads: TakenCpuProfile[] = [];
  const problems: CpuProfiles['problems'] = [];
  const onPart = (value: unknown): void => {
    const part = value as CpuProfilePart;
    if (part.part === 'profile') {
      const pieces = texts.get(part.threadId) ?? [];
      texts.set(part.threadId, pieces);
      pieces.push(part.text);
      return;
    }
    const { threadId, problem, intervalUs, warmCode, apart, agentFile } = part;
    const text = texts.get(threadId)?.join('');
    texts.delete(threadId);
    if (problem !== null || text === undefined) problems.push({ threadId, problem: problem ?? 'nothing came' });
    else {
      const profile = JSON.parse(text) as V8CpuProfile;
      threads.push({
        pid: connection.hello.pid,
        threadId,
        ...measured(profile, intervalUs),
        warmCode,
        apart,
        agentFile,
      });
    }
  };
  await connection.request('cpu-profile', request, { onPart, timeoutMs: request.durationMs + PATIENCE_MS });
  if (threads.length === 0) {
    throw new TargetError(
      `No profile of process ${connection.hello.pid}: ${problems[0]?.problem ?? 'it has no thread'}.`,
    );
  }
  return { threads: threads.sort((a, b) => a.threadId - b.threadId), problems };
}

function measured(profile: V8CpuProfile, intervalUs: number) {
  const { timeDeltas, samples, startTime, endTime } = profile;
  let missedCount = 0;
  // The first one is the start of the profiler itself.
  for (const delta of timeDeltas.slice(1))
    if (delta > GAP * intervalUs) missedCount += Math.round(delta / intervalUs) - 1;
  return { profile, intervalUs, spanMs: (endTime - startTime) / 1000, sampleCount: samples.length, missedCount };
}
