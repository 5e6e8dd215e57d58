import { formatBytes, formatCount } from '../util/text.ts';
import { runOnce } from './process.ts';
import type { Lab, LabRow } from './types.ts';
import { figureOf, runWays, sentencesOf, type Way } from './ways.ts';

export interface TaskMemorySize {
  /** Promises and calls that are there at the same time. */
  calls: number;
  workers: number;
  rounds: number;
}

/** What is compared: so many things that wait. */
const WAITING = 10_000;

export function taskMemoryLab(size: TaskMemorySize): Lab {
  return {
    id: 'task-memory',
    title: 'memory of something that waits: a promise, a suspended call, a worker thread, a process',
    description:
      'Many of each are there at the same time, and what they add is divided by their number: of the heap, after a collection, for promises and calls, of the resident memory for threads. A process is one that does nothing; on Linux without what it shares with other processes of Node.',
    seconds: 10,
    columns: [
      {
        ...{ key: 'bytes', heading: 'each', unit: 'bytes' },
        spread: { low: 'bytesLow', high: 'bytesHigh', heading: 'min–max' },
      },
      { key: 'count', heading: 'at once', unit: 'count' },
    ],
    baseline: { id: 'suspended-call', heading: '× call' },
    async run(progress) {
      const measured = await runWays(waysOf(size), { rounds: size.rounds, spread: 'bytes' }, progress);
      return { ...measured, conclusions: conclude(measured.rows) };
    },
  };
}

export const taskMemory = taskMemoryLab({ calls: 100_000, workers: 20, rounds: 5 });

function waysOf({ calls, workers }: TaskMemorySize): Way[] {
  const way = (id: string, title: string, count: number, more: Partial<Way> = {}): Way => ({
    ...{ id, title, ...more },
    run: () => runOnce({ program: 'task-memory', way: id, options: { count } }, { execArgv: ['--expose-gc'] }),
  });
  return [
    way('promise', 'pending promise', calls),
    way('suspended-call', 'suspended async call', calls),
    way('worker', 'worker thread', workers, { weight: 4, reported: '8 MB stack + heap' }),
    way('process', 'process', 1),
  ];
}

function conclude(rows: readonly LabRow[]): string[] {
  const bytes = (id: string): number => figureOf(rows, id, 'bytes');
  const [call, worker] = [bytes('suspended-call'), bytes('worker')];
  return sentencesOf([
    {
      needs: [call, worker],
      text: `${formatCount(WAITING)} suspended calls take ${formatBytes(call * WAITING)}, as many threads ${formatBytes(worker * WAITING)}: wait in async calls, and start threads for the cores.`,
    },
    {
      needs: [call],
      text: 'This is a call that holds nothing: what its variables refer to comes on top, and is usually much more.',
    },
  ]);
}
