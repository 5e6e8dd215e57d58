import { dirname, join } from 'node:path';
import type { CpuProfilePart, CpuProfileRequest } from '../../../src/recording/profile-parts.ts';
import { createCpuProfiler, type RunningCpuProfile } from '../cpu-profile.ts';
import type { Client, DumpableThread, Method, Target } from './types.ts';

/** Characters in one message. */
const CHUNK = 1 << 18;
/** One sample is 8 to 20 bytes of text, and V8 holds them all until the end. */
const MAX_SAMPLES = 2e6;
const INTERVAL_US = { min: 50, max: 1e6 };
const MAX_DURATION_MS = 3600e3;
/** Beside this bundle. */
const AGENT_FILE = join(dirname(__filename), 'agent.cjs');

/**
 * `cpu-profile` profiles all threads for some time, or until the client goes or somebody asks for `end-cpu-profile`:
 * `CpuProfilePart`.
 */
export function cpuProfile(target: Target): Record<'cpu-profile' | 'end-cpu-profile', Method> {
  const busy = new Set<number>();
  /** Null where none runs; a profile that has not quite begun ends as soon as it has. */
  let end: (() => void) | null = null;
  const profile: Method = async (params, client) => {
    const request = checked(params);
    if (!target.mayInspect) {
      throw new Error('The permission model forbids the inspector in this process: start it with --allow-inspector.');
    }
    if (busy.size > 0) throw new Error('Somebody else takes a profile of this process: wait until it is done.');
    const threads = target.threads();
    for (const { threadId } of threads) busy.add(threadId);
    let ended = false;
    end = () => {
      ended = true;
    };
    try {
      const started = await Promise.all(threads.map((thread) => begin(thread, request)));
      if (!ended) {
        await wait(request.durationMs, client, (stop) => {
          end = stop;
        });
      }
      // All stop before any is sent: their spans are one.
      const profiles = await Promise.all(started.map(finish));
      for (const one of profiles) await send(one, client);
      return {};
    } finally {
      busy.clear();
      end = null;
    }
  };
  return {
    'cpu-profile': profile,
    'end-cpu-profile': () => {
      end?.();
      return {};
    },
  };
}

function checked(params: Record<string, unknown>): CpuProfileRequest {
  const { durationMs, intervalUs, inlining } = params;
  const isNumber = (value: unknown, min: number, max: number): value is number =>
    typeof value === 'number' && value >= min && value <= max;
  if (!isNumber(durationMs, 1, MAX_DURATION_MS)) throw new Error('A profile takes between 1 ms and an hour.');
  if (!isNumber(intervalUs, INTERVAL_US.min, INTERVAL_US.max)) {
    throw new Error('The time between two samples is 50 µs to 1 s.');
  }
  if ((durationMs * 1000) / intervalUs > MAX_SAMPLES) {
    throw new Error(`That makes more than ${MAX_SAMPLES} samples: take a longer interval, or a shorter time.`);
  }
  return { durationMs, intervalUs, inlining: inlining === true };
}

interface Started {
  threadId: number;
  running: RunningCpuProfile | null;
  problem: string | null;
}

async function begin({ threadId, capture }: DumpableThread, request: CpuProfileRequest): Promise<Started> {
  try {
    return { threadId, running: await createCpuProfiler(capture).start(request), problem: null };
  } catch (error) {
    return { threadId, running: null, problem: (error as Error).message };
  }
}

function wait(ms: number, client: Client, begun: (stop: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    begun(stop);
    client.onGone(stop);
  });
}

interface Finished extends Started {
  profile: object | null;
}

async function finish(started: Started): Promise<Finished> {
  if (!started.running) return { ...started, profile: null };
  try {
    return { ...started, profile: await started.running.stop() };
  } catch (error) {
    return { ...started, profile: null, problem: (error as Error).message };
  }
}

async function send({ threadId, running, profile, problem }: Finished, client: Client): Promise<void> {
  const part = (value: CpuProfilePart): Promise<void> => client.part(value);
  const text = profile ? JSON.stringify(profile) : '';
  for (let at = 0; at < text.length; at += CHUNK) {
    await part({ part: 'profile', threadId, text: text.slice(at, at + CHUNK) });
  }
  const { intervalUs = 0, warmCode = false, apart = false } = running ?? {};
  await part({ part: 'profiled', threadId, intervalUs, warmCode, apart, agentFile: AGENT_FILE, problem });
}
