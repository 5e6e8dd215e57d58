import { dirname, join } from 'node:path';
import type { Unchecked } from '../../../../src/protocol/methods.ts';
import type { CpuProfilePart, CpuProfileRequest } from '../../../../src/protocol/profile-parts.ts';
import { type CpuProfiler, type CpuProfileTruth, createCpuProfiler } from '../../cpu-profile.ts';
import { noteWaits, type Span, withIdle } from '../../platform/off-cpu.ts';
import { requireInspector, sendText, waitFor, whileConnected } from './client.ts';
import { profileDurationMs } from './profile-duration.ts';
import type { Client, Method, MethodTable, Target } from './types.ts';

/** One sample is 8 to 20 bytes of text, and V8 holds them all until the end. */
const MAX_SAMPLES = 2e6;
const INTERVAL_US = { min: 50, max: 1e6 };
/** Once one thread has begun, the others have this long: V8 walks a heap of several GB for its functions. */
const BEGIN_MS = 10_000;
const LATE = 'it is inside a native call';
/** Beside this bundle. */
const AGENT_FILE = join(dirname(__filename), 'agent.cjs');

/**
 * `cpu-profile` profiles all threads for some time, or until the client disconnects or calls `end-cpu-profile`:
 * `CpuProfilePart`.
 */
export function cpuProfile(target: Target): Pick<MethodTable, 'cpu-profile' | 'end-cpu-profile'> {
  let busy = false;
  /** Null if none runs; a profile that has not quite begun ends as soon as it has. */
  let end: (() => void) | null = null;
  const profile: Method<'cpu-profile'> = (params, client) => {
    const request = checked(params);
    requireInspector(target);
    if (busy) throw new Error('A profile of this process is already being taken: wait until that is done.');
    busy = true;
    const takers = target
      .threads()
      // A main thread that waits for others is blocked: its time must be visible.
      .map(({ threadId, capture, clocks }) => ({
        threadId,
        profiler: createCpuProfiler(capture, target.flags),
        waits: threadId === 0 ? null : noteWaits(clocks),
      }));
    const leave = (): void => {
      for (const { profiler, waits } of takers) {
        profiler.leave();
        waits?.();
      }
      busy = false;
      end = null;
    };
    let ended = false;
    end = () => {
      ended = true;
    };
    return whileConnected(client, leave, async () => {
      const started = await begun(takers, request);
      if (!ended && !client.isGone()) {
        await waitFor(request.durationMs, client, (stop) => {
          end = stop;
        });
      }
      // All stop before any is sent: their spans are one.
      const profiles = await Promise.all(started.map(finish));
      for (const one of profiles) await send(one, client);
      return {};
    });
  };
  return {
    'cpu-profile': profile,
    'end-cpu-profile': () => {
      end?.();
      return {};
    },
  };
}

function checked(params: Unchecked<CpuProfileRequest>): CpuProfileRequest {
  const { intervalUs, inlining } = params;
  const durationMs = profileDurationMs(params.durationMs);
  const isNumber = (value: unknown, min: number, max: number): value is number =>
    typeof value === 'number' && value >= min && value <= max;
  if (!isNumber(intervalUs, INTERVAL_US.min, INTERVAL_US.max)) {
    throw new Error(`The time between two samples is ${INTERVAL_US.min} µs to ${INTERVAL_US.max / 1e6} s.`);
  }
  if ((durationMs * 1000) / intervalUs > MAX_SAMPLES) {
    throw new Error(`That makes more than ${MAX_SAMPLES} samples: take a longer interval, or a shorter time.`);
  }
  return { durationMs, intervalUs, inlining: inlining === true };
}

interface Taker {
  threadId: number;
  profiler: CpuProfiler;
  /** Ends the watch and returns when the thread waited for other threads; null if that is not asked. */
  waits: (() => Span[]) | null;
}

interface Started extends Taker {
  truth: CpuProfileTruth | null;
  problem: string | null;
}

/** One that is inside a native call is not waited for, once another has begun. */
function begun(takers: readonly Taker[], request: CpuProfileRequest): Promise<Started[]> {
  const started: Started[] = takers.map((taker) => ({ ...taker, truth: null, problem: LATE }));
  let open = takers.length;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    // What begins later ends with the others, unreported.
    const end = (): void => resolve([...started]);
    for (const [i, taker] of takers.entries()) {
      void begin(taker, request).then((one) => {
        started[i] = one;
        if (one.truth) timer ??= setTimeout(end, BEGIN_MS);
        if (--open > 0) return;
        clearTimeout(timer);
        end();
      });
    }
  });
}

async function begin(taker: Taker, request: CpuProfileRequest): Promise<Started> {
  try {
    return { ...taker, truth: await taker.profiler.start(request), problem: null };
  } catch (error) {
    return { ...taker, truth: null, problem: (error as Error).message };
  }
}

interface Finished extends Started {
  profile: object | null;
}

async function finish(started: Started): Promise<Finished> {
  const spans = started.waits?.() ?? [];
  if (!started.truth) return { ...started, profile: null };
  try {
    return { ...started, profile: withIdle(await started.profiler.stop(), spans) };
  } catch (error) {
    return { ...started, profile: null, problem: (error as Error).message };
  } finally {
    started.profiler.leave();
  }
}

async function send({ threadId, truth, profile, problem }: Finished, client: Client<CpuProfilePart>): Promise<void> {
  if (profile) await sendText(client, threadId, JSON.stringify(profile));
  const { intervalUs = 0, warmCode = false, apart = false } = truth ?? {};
  await client.part({ part: 'profiled', threadId, intervalUs, warmCode, apart, agentFile: AGENT_FILE, problem });
}
