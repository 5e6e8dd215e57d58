import { formatCount, formatMs } from '../util/text.ts';
import { runOnce } from './process.ts';
import type { Lab, LabRow } from './types.ts';
import { figureOf, runWays, sentencesOf, type Way } from './ways.ts';

export interface FileWritesSize {
  lines: number;
  rounds: number;
}

export function fileWritesLab(size: FileWritesSize): Lab {
  return {
    id: 'file-writes',
    title: `${formatCount(size.lines)} lines into a file, each awaited, synchronously, and buffered`,
    description: `The same lines go to a file in the folder for temporary files, and their size is checked. "Blocked" is the longest time for which the event loop did not turn.`,
    seconds: 20,
    columns: [
      {
        ...{ key: 'wallMs', heading: 'time', unit: 'ms' },
        spread: { low: 'wallMsLow', high: 'wallMsHigh', heading: 'min–max' },
      },
      { key: 'cpuMs', heading: 'CPU', unit: 'ms' },
      { key: 'blockedMs', heading: 'blocked', unit: 'ms' },
    ],
    baseline: { id: 'one-write', heading: '× one' },
    async run(progress) {
      const measured = await runWays(waysOf(size), { rounds: size.rounds, spread: 'wallMs' }, progress);
      return { ...measured, conclusions: conclude(measured.rows, size) };
    },
  };
}

export const fileWrites = fileWritesLab({ lines: 10_000, rounds: 5 });

function waysOf({ lines }: FileWritesSize): Way[] {
  const way = (id: string, title: string, more: Partial<Way> = {}): Way => ({
    ...{ id, title, ...more },
    run: () => runOnce({ program: 'file-writes', way: id, options: { lines } }),
  });
  return [
    way('awaited-append', 'await appendFile, each', { weight: 6 }),
    way('awaited-write', 'await write, each', { weight: 3, reported: '1.2 s' }),
    way('sync-write', 'writeSync, each'),
    way('stream', 'stream, with drain', { reported: '0.05 s' }),
    way('one-write', 'one write'),
  ];
}

function conclude(rows: readonly LabRow[], { lines }: FileWritesSize): string[] {
  const wall = (id: string): number => figureOf(rows, id, 'wallMs');
  return sentencesOf([
    {
      needs: [wall('awaited-write'), wall('stream')],
      text: `${formatCount(lines)} awaited writes take ${formatMs(wall('awaited-write'))}, a stream that buffers ${formatMs(wall('stream'))} (field report: 1.2 s against 0.05 s): each await is a trip to the thread pool and back.`,
    },
    {
      needs: [figureOf(rows, 'sync-write', 'blockedMs')],
      text: `writeSync blocks the event loop for ${formatMs(figureOf(rows, 'sync-write', 'blockedMs'))}: everybody else waits as long.`,
    },
  ]);
}
