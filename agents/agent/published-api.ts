import { runInThisContext } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { AGENT_NAME, type ThreadApi } from '../../src/protocol/thread-api.ts';
import { assign, deleteProperty, keys, monotonicMs, toJson } from '../primordials.ts';
import { type SharedMemory, Sum, Word } from '../shared-memory.ts';
import { createDumpApi } from './dump-api.ts';
import { interruptedStack, recentStack } from './interrupted-stack.ts';
import { onLeave } from './leaving.ts';
import { programHooks } from './program-hooks.ts';
import { shortIntervals } from './short-intervals.ts';
import type { Tracking } from './tracking/tracking.ts';
import { createWhyApi } from './why/why-api.ts';
import type { Work } from './work/work.ts';

/** Puts the functions that the watchdog calls where it finds them. */
export function publish(
  shared: SharedMemory,
  histogram: { count: number },
  begin: number,
  tracking: Tracking,
  work: Work,
  others: Pick<
    ThreadApi,
    'startHooks' | 'stopHooks' | 'hookCounts' | 'lookBack' | 'beginTrace' | 'endTrace' | 'wantMaps' | 'leave'
  >,
  followsOrigins: boolean,
): void {
  const counted = <Text extends string>(take: () => Text): Text => {
    const from = monotonicMs();
    const text = take();
    shared.control[Word.StackCount]!++;
    shared.numbers[Sum.StackMs]! += monotonicMs() - from;
    return text;
  };
  const api: ThreadApi = {
    stack: (question) => counted(() => interruptedStack(histogram.count, question, work.nameOf)),
    recent: () => counted(recentStack),
    shortIntervals: () => toJson(shortIntervals()),
    programHooks: () => toJson(programHooks()),
    workDuring: (fromMs, toMs, ids, isOwn) => counted(() => work.during(fromMs, toMs, ids, isOwn)),
    handleSites: () => toJson(tracking.handleSites()),
    ...createDumpApi(shared),
    ...createWhyApi(followsOrigins, tracking.handleSiteOf),
    ...others,
  };
  // The histogram is referenced here: if it were collected, its timer and the heartbeat would end.
  const parts = { threadId, preloadMs: monotonicMs() - begin, histogram };
  const place = placeOf() as Record<string, unknown>;
  assign(place, api, parts);
  onLeave(() => {
    for (const name of keys(place)) deleteProperty(place, name);
  });
}

/** The constant, which cannot be taken away again: an agent that has left before has emptied it. */
function placeOf(): object {
  const isThere = runInThisContext(`typeof ${AGENT_NAME}`) !== 'undefined';
  return runInThisContext(isThere ? AGENT_NAME : `const ${AGENT_NAME} = {}; ${AGENT_NAME}`) as object;
}
