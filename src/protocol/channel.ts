import type { Level } from '../recording/types.ts';

/** The BroadcastChannel within a process by which its worker threads talk to the watchdog, and the level is changed. */
export const CHANNEL = 'evdiag.agent';

/** For all threads, from now on; anybody may post it. */
export interface LevelMessage {
  type: 'level';
  level: Level;
}
