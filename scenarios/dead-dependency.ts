import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const EVERY_MS = 40;
const HEALTHY_MS = 4000;
const LOAD_MS = 9000;
const RUN_MS = 10_500;
const LIMIT_MS = 1000;
/** What is refused while so many wait. */
const MOST_WAITING = 10;

/** Answers within milliseconds, for some seconds; from then on it takes requests and answers none. */
const BACKEND = `
  const { createServer } = require('node:http');
  const start = performance.now();
  const server = createServer((request, response) => {
    if (performance.now() - start < ${HEALTHY_MS}) setTimeout(() => response.end('in stock'), 5);
  });
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`;

type Ask = (url: string) => Promise<string>;

async function ask(url: string): Promise<string> {
  const response = await fetch(url); // guilty
  return response.text();
}

async function askAtMost(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  return response.text();
}

async function work(stockOf: Ask, mostWaiting: number): Promise<Headline> {
  const backend = new Worker(BACKEND, { eval: true });
  const [port] = await once(backend, 'message');
  const waiting = new Set<number>();
  let longestMs = 0;
  const order = async (i: number): Promise<void> => {
    if (waiting.size >= mostWaiting) return;
    const startMs = performance.now();
    waiting.add(startMs);
    try {
      await stockOf(`http://127.0.0.1:${port}/${i}`);
    } catch {
      // Told to the customer.
    } finally {
      waiting.delete(startMs);
      longestMs = Math.max(longestMs, performance.now() - startMs);
    }
  };
  let i = 0;
  const timer = setInterval(() => void order(i++), EVERY_MS);
  await delay(LOAD_MS);
  clearInterval(timer);
  await delay(RUN_MS - LOAD_MS);
  longestMs = Math.max(longestMs, ...[...waiting].map((startMs) => performance.now() - startMs));
  const what = `the order that waited longest, with ${waiting.size} waiting at the end,`;
  await backend.terminate();
  return { what, value: longestMs, unit: 'ms' };
}

export const deadDependency: Scenario = {
  id: 'dead-dependency',
  title: 'A dependency that dies',
  description:
    'Each order asks a backend what is in stock. After some healthy seconds the backend takes requests and answers none: orders pile up, as ' +
    'nothing ends the wait and nothing bounds how many there are.',
  expect: [{ rule: 'missing-timeout', kind: 'network' }],
  level: 'diagnose',
  broken: () => work(ask, Number.POSITIVE_INFINITY),
  fixed: () => work(askAtMost, MOST_WAITING),
};

runIfMain(import.meta.url, deadDependency);
