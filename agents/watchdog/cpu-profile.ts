import { setFlagsFromString } from 'node:v8';
import type { V8CpuProfile } from '../../src/protocol/profile-parts.ts';
import { THREAD_ENDED, within } from './ask.ts';
import type { CallParams, CallResult, InspectorCall } from './platform/inspector-calls.ts';
import type { StackCapture } from './platform/stack-capture.ts';

/** Profiler.start walks the whole heap for its functions; a native call answers when it returns. */
const ANSWER_MS = 60_000;
/** The interval is varied each time by this much: a timer of the program must not run in step with the samples. */
const JITTER = 0.1;
const INLINING = ['turbo-inlining', 'maglev-inlining'];

/** What was done to make the profile correct. */
export interface CpuProfileTruth {
  intervalUs: number;
  warmCode: boolean;
  apart: boolean;
}

export type CpuProfiler = ReturnType<typeof createCpuProfiler>;

/** How many running profiles want no inlining: the flag applies to the whole process. */
let apartCount = 0;

/**
 * Takes CPU profiles of one observed thread from outside, also while it is blocked in JavaScript.
 *
 * V8 misses functions that were optimised before the profile began (Node 20–26). Turning exact coverage on and off makes
 * it forget all optimised code. It is done once the profile runs: a loop that is on the stack is then seen as well, which
 * it is not, in one of four profiles, where the profile begins after it.
 * `flags` are the options of the process: a waiting thread cannot be asked for them.
 * V8 counts inlined functions for their caller (Node 20–24), so inlining is off meanwhile.
 */
export function createCpuProfiler(capture: StackCapture, flags: string) {
  let isApart = false;
  let warmCode = false;
  let left = false;

  const post = async <Name extends InspectorCall>(
    method: Name,
    params: CallParams<Name>,
  ): Promise<CallResult<Name>> => {
    if (left) throw new Error('nobody wants the profile any more');
    const result = await within<CallResult<Name> | null>(ANSWER_MS, (answer) =>
      capture.post('profile', method, params, answer),
    );
    if (result === undefined) throw new Error(`the thread did not answer ${method}`);
    if (result === null) throw new Error(capture.hasEnded() ? THREAD_ENDED : `${method} failed`);
    return result;
  };
  const forgetOptimisedCode = async (): Promise<void> => {
    await Promise.all([
      post('Profiler.startPreciseCoverage', { callCount: false, detailed: true }),
      post('Profiler.stopPreciseCoverage', {}),
    ]);
  };

  return {
    /** Rejects if the thread cannot be profiled, does not answer or ends. */
    async start({ intervalUs, inlining }: { intervalUs: number; inlining: boolean }): Promise<CpuProfileTruth> {
      const jittered = Math.round(intervalUs * (1 - JITTER + 2 * JITTER * Math.random()));
      // A program that measures coverage, or has set the flag, keeps its settings.
      warmCode = !flags.includes('coverage');
      // V8 ends the process if a frozen flag is changed.
      isApart = !inlining && warmCode && !/inlining|freeze-flags/.test(flags);
      if (isApart && ++apartCount === 1) for (const flag of INLINING) setFlagsFromString(`--no-${flag}`);
      const truth = { intervalUs: jittered, warmCode, apart: isApart };
      await post('Profiler.enable', {});
      await post('Profiler.setSamplingInterval', { interval: jittered });
      await post('Profiler.start', {});
      if (warmCode) await forgetOptimisedCode();
      return truth;
    },
    /** The profile as V8 gives it. Rejects if the thread does not answer or ends. */
    stop: async (): Promise<V8CpuProfile> => (await post('Profiler.stop', {})).profile,
    /** Ends a running profile without waiting for the thread; do not use this object afterwards. */
    leave(): void {
      if (left) return;
      if (isApart && --apartCount === 0) for (const flag of INLINING) setFlagsFromString(`--${flag}`);
      // Code that was optimised meanwhile is slower than necessary.
      if (isApart && warmCode) forgetOptimisedCode().catch(() => {});
      post('Profiler.disable', {}).catch(() => {});
      capture.detach('profile');
      left = true;
    },
  };
}
