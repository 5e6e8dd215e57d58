import { BroadcastChannel } from 'node:worker_threads';
import { CHANNEL, type LevelMessage } from '../protocol/channel.ts';
import type { Level } from '../recording/types.ts';

/**
 * Changes the level of the agent in this process, for all its threads.
 *
 * Without an agent in the process it does nothing. At `diagnose` following what a thread starts may take 5 % of its time, at `watch` 0.5 % (or EVDIAG_BUDGET).
 */
export function setLevel(level: Level): void {
  if (level !== 'watch' && level !== 'diagnose') {
    throw new TypeError(`The level is 'watch' or 'diagnose', not ${JSON.stringify(level)}.`);
  }
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ type: 'level', level } satisfies LevelMessage);
  channel.close();
}
