import { freemem } from 'node:os';
import type { Estimate } from '../../../../src/protocol/estimate.ts';
import { ANSWER_MS } from '../../ask.ts';
import { askFor } from './client.ts';
import type { Method, Target } from './types.ts';

/** What a dump depends on: `Estimate`. */
export function estimate(target: Target): Method<'estimate'> {
  return async (_params, client): Promise<Estimate> => {
    const threads = target.inspection === 'possible' ? target.threads() : [];
    const answers = await Promise.all(
      threads.map(async (thread) => {
        const answer = await askFor(client, thread, 'dumpEstimate', [], ANSWER_MS / 2);
        thread.capture.detach('dump');
        return { threadId: thread.threadId, heapBytes: answer?.heapBytes ?? null };
      }),
    );
    return { threads: answers, availableBytes: availableBytes() };
  };
}

/** The limits of a container count, if Node knows them. */
function availableBytes(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory ? availableMemory.call(process) : freemem();
}
