import type { Method, Target } from './types.ts';

/** The agent leaves the process: told when it has, with the threads that are blocked and still have it, and where the recording is. */
export function leave(target: Target): Method<'leave'> {
  return async ({ ifAlone }) => {
    const stays = ifAlone === true && target.visitors() > 1;
    const blocked = stays ? [] : await target.leave();
    return { blocked, recording: target.observed()[0]?.folder() ?? null, stays };
  };
}
