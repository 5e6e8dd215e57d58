/** Visits of the agent in a process that was started without it. */
import { attach } from '../../src/attach/attach.ts';
import { askToLeave } from '../../src/attach/leave.ts';
import { takeDump } from '../../src/attach/take-dump.ts';
import { eventually, threadsOf } from './unprepared.ts';

export const QUIET = { EVDIAG_QUIET: '1', EVDIAG_SUMMARY: '0' };

/** Loads the agent, takes a dump, has it leave; what the dump says. */
export async function visit(pid: number, level: 'watch' | 'diagnose' = 'diagnose') {
  const before = threadsOf(pid);
  const env = { ...QUIET, EVDIAG_LEVEL: level };
  const { connection, windowMs } = await attach(pid, {
    env,
    aloneMs: 5000,
    forMs: null,
    record: false,
    timeoutMs: 30_000,
  });
  const dump = await takeDump(connection, { mode: 'quick' });
  const { blocked } = await askToLeave(connection);
  connection.close();
  await eventually(() => threadsOf(pid) <= before);
  return { dump, blocked, windowMs };
}
