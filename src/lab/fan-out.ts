import { formatBytes, formatMs } from '../util/text.ts';
import { runOnce, start } from './process.ts';
import type { Figures, Lab, LabRow } from './types.ts';
import { figureOf, runWays, sentencesOf, type Way } from './ways.ts';

export interface FanOutSize {
  requests: number;
  delayMs: number;
  /** Threads, in two sizes. */
  threads: readonly [number, number];
  fetches: number;
  failures: number;
}

export function fanOutLab(size: FanOutSize): Lab {
  const { requests, delayMs, fetches, failures } = size;
  return {
    id: 'fan-out',
    title: `${requests} requests of ${delayMs} ms, one after another, on threads, and concurrently`,
    description: `Each way runs in a process of its own, against a server on this machine that answers after ${delayMs} ms. Then ${fetches} fetches, of which ${failures} fail: how many results are left. CPU and memory are those of the process; memory is how far its peak rises.`,
    seconds: 30,
    columns: [
      { key: 'wallMs', heading: 'time', unit: 'ms' },
      { key: 'cpuMs', heading: 'CPU', unit: 'ms' },
      { key: 'memoryBytes', heading: 'memory', unit: 'bytes' },
      { key: 'resultCount', heading: 'results', unit: 'count' },
    ],
    baseline: { id: 'concurrent', heading: '× conc.' },
    async run(progress) {
      const upstream = await start({ program: 'fan-out', way: 'upstream', options: { delayMs } });
      try {
        const ways = waysOf(size, upstream.figures.port!);
        const measured = await runWays(ways, { rounds: 1, spread: 'wallMs' }, progress);
        return { ...measured, conclusions: conclude(measured.rows, size) };
      } finally {
        await upstream.end();
      }
    },
  };
}

export const fanOut = fanOutLab({ requests: 100, delayMs: 200, threads: [100, 30], fetches: 200, failures: 10 });

function waysOf({ requests, threads: [many, few], fetches, failures, delayMs }: FanOutSize, port: number): Way[] {
  const run = (way: string, options: Figures, more: Partial<Way> = {}) => ({
    id: way,
    run: (onShare: (share: number) => void) =>
      runOnce({ program: 'fan-out', way, options: { port, ...options } }, { onShare }),
    ...more,
  });
  const fetched = { requests: fetches, failures };
  const serialWeight = Math.max(1, (requests * delayMs) / 1000);
  return [
    { title: 'one after another', reported: '20 s', ...run('serial', { requests }, { weight: serialWeight }) },
    {
      title: `on ${many} threads`,
      reported: '2–8 s',
      ...run('threads', { requests, threads: many }, { id: 'threads-many', weight: 4 }),
    },
    {
      title: `on ${few} threads`,
      reported: '2–8 s',
      ...run('threads', { requests, threads: few }, { id: 'threads-few', weight: 2 }),
    },
    { title: 'concurrently', reported: '0.5 s', ...run('concurrent', { requests }) },
    { title: `fetches, all`, reported: '0 kept', ...run('fetch-all', fetched) },
    { title: `fetches, allSettled`, reported: '190 kept', ...run('fetch-settled', fetched) },
  ];
}

function conclude(rows: readonly LabRow[], { threads: [many], fetches, failures }: FanOutSize): string[] {
  const wall = (id: string): number => figureOf(rows, id, 'wallMs');
  const memory = (id: string): number => figureOf(rows, id, 'memoryBytes');
  const kept = (id: string): number => figureOf(rows, id, 'resultCount');
  const [serial, threads, concurrent] = [wall('serial'), wall('threads-many'), wall('concurrent')];
  return sentencesOf([
    {
      needs: [serial, threads, concurrent],
      text: `Waiting needs no thread: ${formatMs(serial)} one after another, ${formatMs(threads)} on ${many} threads, ${formatMs(concurrent)} concurrently on one (field reports: 20 s : 2–8 s : 0.5 s).`,
    },
    {
      needs: [memory('threads-many'), memory('concurrent')],
      text: `The peak of memory rises by ${formatBytes(memory('threads-many'))} with ${many} threads, and by ${formatBytes(memory('concurrent'))} without.`,
    },
    {
      needs: [kept('fetch-all'), kept('fetch-settled')],
      text: `If ${failures} of ${fetches} fetches fail, Promise.all leaves ${kept('fetch-all')} results and Promise.allSettled ${kept('fetch-settled')}.`,
    },
  ]);
}
