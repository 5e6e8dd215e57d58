import type { Unchecked } from '../../../../src/protocol/methods.ts';
import {
  MAX_RECENT_MS,
  type RecentProfilePart,
  type RecentProfileRequest,
} from '../../../../src/protocol/profile-parts.ts';
import { requireInspector, sendText } from './client.ts';
import type { Client, DumpableThread, Method, Target } from './types.ts';

/** What the threads did in the last seconds, at once and also while they are blocked: `RecentProfilePart`. */
export function recentProfile(target: Target): Method<'recent-profile'> {
  return async (params, client) => {
    const { lastMs } = checked(params);
    requireInspector(target);
    if (!target.keepsRecent) throw new Error('It runs with EVDIAG_RECENT=0, which keeps nothing of the last seconds.');
    for (const thread of target.threads()) await send(thread, lastMs, client);
    return {};
  };
}

function checked({ lastMs }: Unchecked<RecentProfileRequest>): RecentProfileRequest {
  if (typeof lastMs === 'number' && lastMs > 0 && lastMs <= MAX_RECENT_MS) return { lastMs };
  throw new Error(`The last ${MAX_RECENT_MS / 1000} s are kept: ask for no more.`);
}

async function send(
  { threadId, recent }: DumpableThread,
  lastMs: number,
  client: Client<RecentProfilePart>,
): Promise<void> {
  if (recent) await sendText(client, threadId, JSON.stringify(await recent.profile(lastMs)));
  const problem = recent ? null : 'nothing is kept of worker threads, record one with -d';
  await client.part({ part: 'profiled', threadId, intervalUs: (recent?.meanMs() ?? 0) * 1000, problem });
}
