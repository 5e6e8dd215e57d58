import type { Worker } from 'node:worker_threads';
import type { Figures } from '../types.ts';
import { watched } from './measured.ts';
import { sumOf } from './sum.ts';
import type { Program } from './types.ts';
import { answerOf, startWorker } from './worker.ts';

/** The same computation `jobs` times. A pool is there before the clock starts; a thread for each job is not. */
export const cpuPool: Program = async (way, { jobs = 0, iterations = 0, threads = 0 }) => {
  const list = Array.from({ length: jobs }, () => iterations);
  switch (way) {
    case 'main-thread':
      return watched(async () => checked(list.map(sumOf), jobs));
    case 'promise-all':
      return watched(async () => checked(await Promise.all(list.map(async (each) => sumOf(each))), jobs));
    case 'pool': {
      const pool = Array.from({ length: threads }, () => startWorker({ kind: 'sums' }));
      await Promise.all(pool.map(answerOf));
      return watched(async () => checked(await onPool(pool, list), jobs));
    }
    case 'worker-per-job':
      return watched(async () =>
        checked(await Promise.all(list.map((each) => answerOf(startWorker({ kind: 'sum', iterations: each })))), jobs),
      );
    default:
      throw new Error(`there is no way ${way}`);
  }
};

/** A thread that is ready takes the next one. */
async function onPool(pool: readonly Worker[], list: readonly number[]): Promise<number[]> {
  const sums: number[] = [];
  let next = 0;
  await Promise.all(
    pool.map(async (worker) => {
      while (next < list.length) {
        worker.postMessage(list[next++]);
        sums.push(await answerOf(worker));
      }
    }),
  );
  return sums;
}

/** All sums are equal, and none is missing: nothing was optimised away. */
function checked(sums: readonly number[], jobs: number): Figures {
  if (sums.length !== jobs || new Set(sums).size !== 1) throw new Error('a result is wrong');
  return { resultCount: sums.length };
}
