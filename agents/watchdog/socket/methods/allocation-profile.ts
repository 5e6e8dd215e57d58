import type {
  AllocationPart,
  AllocationRequest,
  V8AllocationProfile,
} from '../../../../src/protocol/allocation-parts.ts';
import type { Unchecked } from '../../../../src/protocol/methods.ts';
import { THREAD_ENDED, within } from '../../ask.ts';
import { startSampling } from '../../deep-sample/start-sampling.ts';
import { areSessionsHeld } from '../../platform/held-sessions.ts';
import { requireInspector, sendText, waitFor, whileConnected } from './client.ts';
import { profileDurationMs } from './profile-duration.ts';
import type { Client, DumpableThread, Method, Target } from './types.ts';

const INTERVAL_BYTES = { least: 1 << 10, most: 1 << 26 };
/** A full collection of a heap of several GB; a thread inside a native call answers when that returns. */
const ANSWER_MS = 60_000;

/** Samples the allocations of all threads for some time, or until the client goes: `AllocationPart`. */
export function allocationProfile(target: Target): Method<'allocation-profile'> {
  let busy = false;
  return (params, client) => {
    const request = checked(params);
    requireInspector(target);
    if (busy) throw new Error('The allocations of this process are already being sampled: wait until that is done.');
    busy = true;
    const threads = target.threads();
    const leave = (): void => {
      for (const thread of threads) leaveThread(thread);
      busy = false;
    };
    return whileConnected(client, leave, async () => {
      for (const { sampling } of threads) sampling.hold(true);
      const problems = await Promise.all(threads.map((thread) => begin(thread, request, client)));
      await waitFor(request.durationMs, client);
      for (const [i, thread] of threads.entries()) await finish(thread, problems[i]!, client);
      return {};
    });
  };
}

/** Ends what was not stopped, without a profile: to make one, V8 collects all garbage. Sampling by the program itself goes on. */
function leaveThread({ capture, sampling }: DumpableThread): void {
  capture.post('allocations', areSessionsHeld() ? 'HeapProfiler.stopSampling' : 'HeapProfiler.disable', {});
  capture.detach('allocations');
  sampling.hold(false);
}

function checked(params: Unchecked<AllocationRequest>): AllocationRequest {
  const { intervalBytes, live } = params;
  const durationMs = profileDurationMs(params.durationMs);
  const { least, most } = INTERVAL_BYTES;
  if (!(typeof intervalBytes === 'number' && intervalBytes >= least && intervalBytes <= most)) {
    throw new Error(`The bytes between two samples are a number from ${least} to ${most}.`);
  }
  return { durationMs, intervalBytes, live: live === true };
}

/** What went wrong, or null. */
async function begin(
  { capture }: DumpableThread,
  { intervalBytes, live }: AllocationRequest,
  client: Client<AllocationPart>,
): Promise<string | null> {
  let isLate = false;
  const params = {
    samplingInterval: intervalBytes,
    includeObjectsCollectedByMajorGC: !live,
    includeObjectsCollectedByMinorGC: !live,
  };
  const isWanted = (): boolean => !isLate && !client.isGone();
  const started = await within<boolean>(ANSWER_MS, (answer) =>
    startSampling(capture, 'allocations', params, answer, isWanted),
  );
  if (started) return null;
  isLate = true;
  if (capture.hasEnded()) return THREAD_ENDED;
  return started === undefined ? 'the thread did not answer' : 'the program samples its allocations by itself';
}

async function finish(thread: DumpableThread, problem: string | null, client: Client<AllocationPart>): Promise<void> {
  const { threadId } = thread;
  if (client.isGone()) return;
  const profile = problem === null ? await stop(thread) : null;
  if (profile) await sendText(client, threadId, JSON.stringify(profile));
  const noAnswer = thread.capture.hasEnded() ? THREAD_ENDED : 'the thread did not answer';
  await client.part({ part: 'profiled', threadId, problem: problem ?? (profile ? null : noAnswer) });
}

/** Null if it failed, or no answer came. */
async function stop({ capture }: DumpableThread): Promise<V8AllocationProfile | null> {
  const result = await within<{ profile: V8AllocationProfile } | null>(ANSWER_MS, (answer) =>
    capture.post('allocations', 'HeapProfiler.stopSampling', {}, answer),
  );
  return result?.profile ?? null;
}
