import type { Departed } from '../protocol/methods.ts';
import type { Connection } from './connect.ts';

/** The agent waits two seconds for threads that are blocked, and says then which; on a busy host all takes longer. */
const LEAVE_MS = 40_000;

/** Has the agent leave the process. Resolves when it has; `blocked` are threads that let it go later. Rejects with TargetError. */
export function askToLeave(connection: Connection): Promise<Departed> {
  return connection.request('leave', {}, { timeoutMs: LEAVE_MS });
}
