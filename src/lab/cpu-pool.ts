import { availableParallelism } from 'node:os';
import { formatMs, formatShare, plural } from '../util/text.ts';
import { runOnce } from './process.ts';
import type { Lab, LabRow } from './types.ts';
import { figureOf, runWays, sentencesOf, type Way } from './ways.ts';

export interface CpuPoolSize {
  jobs: number;
  /** Of the loop of one job: about two nanoseconds each. */
  iterations: number;
  rounds: number;
}

/** The size of the pool in the field reports. */
const POOL = 4;
/** A thread that computes and has less than this of a core competes for it. */
const FREE_SHARE = 0.8;

export function cpuPoolLab(size: CpuPoolSize): Lab {
  return {
    id: 'cpu-pool',
    title: 'a computation on the main thread, on a pool of threads, and on a thread for each job',
    description: `${size.jobs} equal jobs that only compute. A pool is started before the clock. "Blocked" is the longest time for which the event loop did not turn, so that nothing else was served.`,
    seconds: 20,
    columns: [
      {
        ...{ key: 'wallMs', heading: 'time', unit: 'ms' },
        spread: { low: 'wallMsLow', high: 'wallMsHigh', heading: 'min–max' },
      },
      { key: 'cpuMs', heading: 'CPU', unit: 'ms' },
      { key: 'blockedMs', heading: 'blocked', unit: 'ms' },
    ],
    baseline: { id: 'main-thread', heading: '× main' },
    async run(progress) {
      const measured = await runWays(waysOf(size), { rounds: size.rounds, spread: 'wallMs' }, progress);
      return { ...measured, conclusions: conclude(measured.rows) };
    },
  };
}

export const cpuPool = cpuPoolLab({ jobs: 8, iterations: 50_000_000, rounds: 3 });

function waysOf({ jobs, iterations }: CpuPoolSize): Way[] {
  const run = (way: string, threads = 0): Way['run'] => {
    return () => runOnce({ program: 'cpu-pool', way, options: { jobs, iterations, threads } });
  };
  const cores = availableParallelism();
  return [
    { id: 'main-thread', title: 'main thread', reported: '2.34 s', run: run('main-thread') },
    { id: 'promise-all', title: 'main thread, Promise.all', run: run('promise-all') },
    { id: 'pool-of-4', title: `pool of ${POOL}`, reported: '0.87 s', run: run('pool', POOL) },
    { id: 'pool-of-cores', title: `pool of ${cores} (cores)`, run: run('pool', cores) },
    { id: 'worker-per-job', title: 'a thread for each job', run: run('worker-per-job') },
  ];
}

function conclude(rows: readonly LabRow[]): string[] {
  const wall = (id: string): number => figureOf(rows, id, 'wallMs');
  const blocked = (id: string): number => figureOf(rows, id, 'blockedMs');
  const cores = availableParallelism();
  return sentencesOf([
    {
      needs: [wall('main-thread'), wall('pool-of-cores')],
      text: `${formatMs(wall('main-thread'))} on the main thread, ${formatMs(wall('pool-of-cores'))} on a pool of ${plural(cores, 'thread')} (field report: 2.34 s against 0.87 s on a pool of ${POOL}).`,
    },
    {
      needs: [blocked('main-thread'), blocked('pool-of-cores')],
      text: `Meanwhile the event loop is blocked for ${formatMs(blocked('main-thread'))}, with the pool for ${formatMs(blocked('pool-of-cores'))}: this is what the pool is for, also where it is not faster.`,
    },
    ...busySentence(wall('main-thread'), figureOf(rows, 'main-thread', 'cpuMs')),
    {
      needs: [wall('promise-all')],
      text: 'Promise.all adds no core: async functions compute on the thread that calls them.',
    },
  ]);
}

/** Where other processes hold the cores, a pool cannot be faster, and the reader should know why. */
function busySentence(wallMs: number, cpuMs: number): { needs: number[]; text: string }[] {
  if (!(cpuMs < wallMs * FREE_SHARE)) return [];
  const text = `The machine was busy with other things: the main thread had ${formatShare(cpuMs / wallMs)} of a core. Repeat this where it is idle.`;
  return [{ needs: [], text }];
}
