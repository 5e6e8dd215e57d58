import { getOwnPropertySymbols, process } from '../../primordials.ts';

/** Of the thread where Node has that (22.23, 24), else of the process: what other threads do is in windows and pauses alike. */
const { threadCpuUsage = process.cpuUsage } = process as unknown as { threadCpuUsage?: typeof process.cpuUsage };
const cpuUsage = threadCpuUsage.bind(process);

/** What the thread has done so far. */
export interface Work {
  cpuMs: number;
  /** Async resources that Node has numbered: it does that without hooks, too. */
  made: number;
}

/** `newest`: a timer that was just made, whose number is the last one. */
export function readWork(newest: object): Work {
  const { user, system } = cpuUsage();
  return { cpuMs: (user + system) / 1000, made: numberOf(newest) };
}

let asyncId: symbol | undefined;

function numberOf(timer: object): number {
  asyncId ??= getOwnPropertySymbols(timer).find(({ description }) => description === 'asyncId');
  const id = asyncId && (timer as Record<symbol, unknown>)[asyncId];
  return typeof id === 'number' ? id : 0;
}
