import type { Method, Target } from './types.ts';

/** The agent leaves the process: told when it has, with the threads that are blocked and still have it, and where the recording is. */
export function leave(target: Target): Method<'leave'> {
  return async () => ({ blocked: await target.leave(), recording: target.observed()[0]?.folder() ?? null });
}
