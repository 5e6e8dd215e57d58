import { setTimeout as pause } from 'node:timers/promises';
import type { Departed, LeaveRequest } from '../protocol/methods.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

/** The agent waits two seconds for threads that are blocked, and reports which; on a busy host everything takes longer. */
const LEAVE_MS = 40_000;
/** Its own thread ends some ms after the answer. */
const END_MS = 10_000;
const POLL_MS = 10;

/** Has the agent leave the process. Resolves when it has, with its socket; `blocked` are threads that let it go later. Rejects with TargetError. */
export async function askToLeave(connection: Connection, request: LeaveRequest = {}): Promise<Departed> {
  const departed = await connection.request('leave', request, { timeoutMs: LEAVE_MS });
  if (departed.blocked.length === 0 && !departed.stays) await untilGone(connection);
  return departed;
}

async function untilGone(connection: Connection): Promise<void> {
  const giveUpAt = performance.now() + END_MS;
  while (performance.now() < giveUpAt) {
    try {
      await connection.request('hello', {}, { timeoutMs: END_MS });
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'leaving') return;
    }
    await pause(POLL_MS);
  }
}
