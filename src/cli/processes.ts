import { setTimeout as pause } from 'node:timers/promises';
import { CPU_LOOK_MS, cpuTimes, describeProcesses, type NodeProcess, nodePids } from '../attach/process/list.ts';
import { TargetError } from '../attach/target-error.ts';
import { displayPath, stripControl } from '../util/text.ts';

/** Throws TargetError where the system has no /proc. */
export async function listProcesses(): Promise<NodeProcess[]> {
  if (process.platform !== 'linux') throw new TargetError('evdiag finds processes on Linux only. Give a process ID.');
  const pids = nodePids();
  const before = cpuTimes(pids);
  if (pids.length > 0) await pause(CPU_LOOK_MS);
  return describeProcesses(pids, before);
}

/** As it was typed, on one line. */
export function commandOf({ argv }: Pick<NodeProcess, 'argv'>): string {
  return argv.map((word, i) => stripControl(i === 0 ? displayPath(word) : word).replace(/\s+/g, ' ')).join(' ');
}
