import {
  MAX_RECENT_MS,
  type RecentProfilePart,
  type RecentProfileRequest,
} from '../../../../src/protocol/profile-parts.ts';
import { requireInspector } from './ask.ts';
import type { Client, DumpableThread, Method, Target } from './types.ts';

/** Characters in one message. */
const CHUNK = 1 << 18;

/** What the threads did in the last seconds, at once and also while they are blocked: `RecentProfilePart`. */
export function recentProfile(target: Target): Method {
  return async (params, client) => {
    const { lastMs } = checked(params);
    requireInspector(target);
    if (!target.keepsRecent) throw new Error('It runs with EVDIAG_RECENT=0, which keeps nothing of the last seconds.');
    for (const thread of target.threads()) await send(thread, lastMs, client);
    return {};
  };
}

function checked({ lastMs }: Record<string, unknown>): RecentProfileRequest {
  if (typeof lastMs === 'number' && lastMs > 0 && lastMs <= MAX_RECENT_MS) return { lastMs };
  throw new Error(`The last ${MAX_RECENT_MS / 1000} s are kept: ask for no more.`);
}

async function send({ threadId, recent }: DumpableThread, lastMs: number, client: Client): Promise<void> {
  const part = (value: RecentProfilePart): Promise<void> => client.part(value);
  const text = recent ? JSON.stringify(await recent.profile(lastMs)) : '';
  for (let at = 0; at < text.length; at += CHUNK) {
    await part({ part: 'profile', threadId, text: text.slice(at, at + CHUNK) });
  }
  const problem = recent ? null : 'of worker threads nothing is kept, record one with -d';
  await part({ part: 'profiled', threadId, intervalUs: (recent?.meanMs() ?? 0) * 1000, problem });
}
