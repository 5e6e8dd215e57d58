import { BroadcastChannel } from 'node:worker_threads';
import { CHANNEL, type LevelMessage } from '../protocol/channel.ts';
import type { Level } from '../recording/types.ts';

/**
 * Raises or lowers the level of the agent in this process, for all its threads, from now on.
 *
 * Without an agent in the process it does nothing. `diagnose` looks closer every 10 s; `watch` only on suspicion.
 */
export function setLevel(level: Level): void {
  if (level !== 'watch' && level !== 'diagnose') {
    throw new TypeError(`The level is 'watch' or 'diagnose', not ${JSON.stringify(level)}.`);
  }
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ type: 'level', level } satisfies LevelMessage);
  channel.close();
}
