import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const PROCESSES = 4;
const ROUNDS = 40;
/** 24 MB. */
const NUMBERS = 3e6;

type Ask = (key: number) => Promise<unknown>;

/** Each child makes a table of its own. */
const CHILD = `
  const table = new Float64Array(${NUMBERS});
  for (let i = 0; i < table.length; i++) table[i] = i * 0.5;
  process.on('message', (key) => process.send(table[key]));
  process.send('ready');`;

async function startChild(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...process.execArgv, '-e', CHILD], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

async function withChildren<T>(use: (ask: Ask) => Promise<T>): Promise<T> {
  const children = await Promise.all(Array.from({ length: PROCESSES }, startChild));
  let asked = 0;
  try {
    return await use(async (key) => {
      const child = children[asked++ % PROCESSES]!;
      child.send(key);
      return (await once(child, 'message'))[0];
    });
  } finally {
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => once(child, 'exit')));
  }
}

/** One process: its threads look at the same memory. */
function withThreads<T>(use: (ask: Ask) => Promise<T>): Promise<T> {
  const shared = new SharedArrayBuffer(NUMBERS * 8);
  const table = new Float64Array(shared);
  for (let i = 0; i < table.length; i++) table[i] = i * 0.5;
  const job = '({ shared, key }) => new Float64Array(shared)[key]';
  return withWorkers(job, PROCESSES, (ask) => use((key) => ask({ shared, key })));
}

async function measure(what: string, ask: Ask): Promise<Headline> {
  let slowestMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    for (let i = 0; i < PROCESSES; i++) await ask(round * 1000 + i);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { what: `the slowest of ${ROUNDS} rounds over ${what}`, value: slowestMs, unit: 'ms' };
}

export const processMemoryGrowth: Scenario = {
  id: 'process-memory-growth',
  title: 'A copy of the same table in each process',
  description:
    'Each child process fills a table of its own; the report of the family shows what each of them holds. Threads share one.',
  expect: [],
  broken: () => withChildren((ask) => measure(`${PROCESSES} processes with a table each`, ask)),
  fixed: () => withThreads((ask) => measure(`${PROCESSES} threads with one table`, ask)),
};

runIfMain(import.meta.url, processMemoryGrowth);
