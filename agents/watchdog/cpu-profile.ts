import { setFlagsFromString } from 'node:v8';
import type { StackCapture } from './stack-capture.ts';

/** Profiler.start walks the whole heap for its functions; a native call answers when it returns. */
const ANSWER_MS = 60_000;
/** The interval is chosen anew each time, by so much: a timer of the program must not beat in step with the samples. */
const JITTER = 0.1;
const INLINING = ['turbo-inlining', 'maglev-inlining'];
const HOST_FLAGS = `[...process.execArgv, process.env.NODE_OPTIONS, process.env.NODE_V8_COVERAGE && 'coverage'].join(' ')`;

/** What was done so that the profile tells the truth. */
export interface CpuProfileTruth {
  intervalUs: number;
  warmCode: boolean;
  apart: boolean;
}

/** A profile that is being taken. */
export interface RunningCpuProfile extends CpuProfileTruth {
  /** Ends it: the profile as V8 tells it. Rejects where the thread does not answer or ends. */
  stop(): Promise<object>;
}

export type CpuProfiler = ReturnType<typeof createCpuProfiler>;

/** How many profiles run that want no inlining: the flag is the whole process's. */
let apartCount = 0;

/**
 * Takes CPU profiles of one observed thread from outside, also while it is blocked in JavaScript.
 *
 * V8 loses functions that were optimised before the profile began (Node 20–26). Turning exact coverage on and off makes
 * it forget all optimised code. It is done once the profile runs: a loop that is on the stack is then seen as well, which
 * it is not, in one of four profiles, where the profile begins after it.
 * V8 counts what it has inlined for the caller (Node 20–24), so that it inlines nothing meanwhile.
 */
export function createCpuProfiler(capture: StackCapture) {
  let running = false;

  const post = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the thread did not answer ${method}`)), ANSWER_MS);
      capture.post('profile', method, params, (result) => {
        clearTimeout(timer);
        if (result === null) reject(new Error(`${method} failed`));
        else resolve(result);
      });
    });
  const forgetOptimisedCode = async (): Promise<void> => {
    await post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
    await post('Profiler.stopPreciseCoverage');
  };
  const end = async (apart: boolean, warmCode: boolean): Promise<void> => {
    running = false;
    if (apart && --apartCount === 0) for (const flag of INLINING) setFlagsFromString(`--${flag}`);
    // What was optimised meanwhile is slower than it need be.
    if (apart && warmCode) await forgetOptimisedCode().catch(() => {});
    await post('Profiler.disable').catch(() => {});
    capture.detach('profile');
  };

  return {
    /** Throws where one runs already or the thread cannot be profiled. */
    async start({ intervalUs, inlining }: { intervalUs: number; inlining: boolean }): Promise<RunningCpuProfile> {
      if (running) throw new Error('a profile of this thread is being taken already');
      running = true;
      const jittered = Math.round(intervalUs * (1 - JITTER + 2 * JITTER * Math.random()));
      const flags = await hostFlags(post).catch(async (error: unknown) => {
        await end(false, false);
        throw error;
      });
      // Whoever measures coverage, or has set the flag, keeps what they have.
      const warmCode = !flags.includes('coverage');
      const apart = !inlining && warmCode && !flags.includes('inlining');
      if (apart && ++apartCount === 1) for (const flag of INLINING) setFlagsFromString(`--no-${flag}`);
      try {
        await post('Profiler.enable');
        await post('Profiler.setSamplingInterval', { interval: jittered });
        await post('Profiler.start');
        if (warmCode) await forgetOptimisedCode();
      } catch (error) {
        await end(apart, warmCode);
        throw error;
      }
      return {
        intervalUs: jittered,
        warmCode,
        apart,
        async stop() {
          try {
            return ((await post('Profiler.stop')) as { profile: object }).profile;
          } finally {
            await end(apart, warmCode);
          }
        },
      };
    },
  };
}

async function hostFlags(post: (method: string, params: object) => Promise<unknown>): Promise<string> {
  const answer = await post('Runtime.evaluate', { expression: HOST_FLAGS, returnByValue: true, silent: true });
  const text = (answer as { result?: { value?: unknown } }).result?.value;
  return typeof text === 'string' ? text : '';
}
