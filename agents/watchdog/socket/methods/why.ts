import type { WhyThreadPart } from '../../../../src/protocol/why-parts.ts';
import { threadWhy } from '../../why/thread-why.ts';
import { askFor, requireInspector, whileConnected } from './client.ts';
import type { DumpableThread, Method, Target } from './types.ts';

/** An agent that came later does not know the workers that were there: they are known by their threads. */
function withWorkers(part: WhyThreadPart, { isAttached, threads }: Target): WhyThreadPart {
  if (!isAttached) return part;
  const known = new Set(part.things.map(({ what }) => what));
  const workers = threads()
    .filter(({ threadId }) => threadId > 0 && !known.has(`worker thread ${threadId}`))
    .map(({ threadId }) => ({
      kind: 'worker' as const,
      what: `worker thread ${threadId}, unless unref() was called on it`,
      ...{ count: 1, ageMs: null, made: [], steps: [], calls: [] },
    }));
  return { ...part, things: [...part.things, ...workers] };
}

/** What keeps each thread alive, in parts: `WhyPart`. */
export function why(target: Target): Method<'why'> {
  return (_params, client) => {
    requireInspector(target);
    const asked: DumpableThread[] = [];
    const leave = (): void => {
      for (const { capture } of asked) capture.detach('dump');
    };
    return whileConnected(client, leave, async () => {
      for (const thread of target.threads()) {
        asked.push(thread);
        const part = await threadWhy(thread, {
          stack: () => askFor(client, thread, 'stack', [{}]),
          why: () => askFor(client, thread, 'why', []),
        });
        await client.part(thread.threadId === 0 ? withWorkers(part, target) : part);
      }
      return {};
    });
  };
}
