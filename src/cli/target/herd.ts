/** Several processes at once: a cluster, or what a process manager runs. */
import { connectAll } from '../../attach/list-agents.ts';
import { TargetError } from '../../attach/target-error.ts';
import { InputError } from '../../util/input-error.ts';
import { toPid } from '../options.ts';
import { complain } from '../output.ts';
import { listProcesses } from '../processes.ts';
import type { VisitOptions } from './visit.ts';

export interface HerdOptions extends VisitOptions {
  all?: boolean;
}

/** Why nothing came of a process: a sentence. */
export interface Missed {
  pid: number;
  problem: string;
}

/** One process, or with --all those that run with the agent; with --attach also those that can be attached to. Throws InputError, TargetError. */
export async function targetsOf(pidText: string | undefined, { all, attach }: HerdOptions): Promise<number[]> {
  if (!all) {
    if (pidText === undefined) throw new InputError('Give a process ID, or --all. "evdiag ps" lists the processes.');
    return [toPid(pidText)];
  }
  if (pidText !== undefined) throw new InputError('Leave out the process ID, or --all.');
  const connections = await connectAll();
  const pids = connections.map(({ hello }) => hello.pid);
  for (const connection of connections) connection.close();
  const others = attach ? (await listProcesses()).filter(({ state }) => state === 'attachable') : [];
  const found = [...new Set([...pids, ...others.map(({ pid }) => pid)])].sort((a, b) => a - b);
  if (found.length > 0) return found;
  throw new TargetError(
    'No process of yours runs with the agent. With --attach it is loaded into those that run without.',
  );
}

/** Asks all, at once or one after the other; a process that fails does not end the rest. Rejects if nothing came of any. */
export async function askEach<T>(
  pids: readonly number[],
  ask: (pid: number) => Promise<T>,
  { atOnce }: { atOnce: boolean },
): Promise<{ got: T[]; missed: Missed[] }> {
  const got = new Map<number, T>();
  const missed: Missed[] = [];
  let last: unknown;
  const one = async (pid: number): Promise<void> => {
    try {
      got.set(pid, await ask(pid));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      last = error;
      missed.push({ pid, problem: error.message });
      if (pids.length > 1) complain(error.message);
    }
  };
  if (atOnce) await Promise.all(pids.map(one));
  else for (const pid of pids) await one(pid);
  if (got.size === 0) throw last;
  return { got: pids.filter((pid) => got.has(pid)).map((pid) => got.get(pid)!), missed };
}
