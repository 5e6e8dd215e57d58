import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const EVERY_MS = 500;
const ACCOUNTS = 16;
const RUN_MS = 13_000;

/** Answers one request at a time, in 60 ms: a run of 16 takes a second where it is alone. */
const BACKEND = `
  const { createServer } = require('node:http');
  let last = Promise.resolve();
  const server = createServer((request, response) => {
    last = last.then(() => new Promise((resolve) => setTimeout(resolve, 60))).then(() => response.end('{"orders":3}'));
  });
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`;

/** Asks for the orders of all accounts. */
type Sync = () => Promise<void>;

function startAll(sync: Sync): NodeJS.Timeout {
  return setInterval(async () => {
    await sync(); // guilty
  }, EVERY_MS);
}

function startOneAtATime(sync: Sync): NodeJS.Timeout {
  let isRunning = false;
  return setInterval(async () => {
    if (isRunning) return;
    isRunning = true;
    await sync().finally(() => {
      isRunning = false;
    });
  }, EVERY_MS);
}

async function work(start: (sync: Sync) => NodeJS.Timeout): Promise<Headline> {
  const backend = new Worker(BACKEND, { eval: true });
  const [port] = await once(backend, 'message');
  const agent = new Agent({ keepAlive: true });
  let slowestMs = 0;
  const underWay = new Set<number>();
  const ordersOf = async (account: number): Promise<unknown> => {
    const [response] = await once(httpGet(`http://127.0.0.1:${port}/${account}`, { agent }), 'response');
    return json(response as IncomingMessage);
  };
  const sync = async (): Promise<void> => {
    const startMs = performance.now();
    underWay.add(startMs);
    await Promise.all(Array.from({ length: ACCOUNTS }, (_, account) => ordersOf(account)));
    underWay.delete(startMs);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
  };
  const timer = start(() => sync().catch(() => {}));
  await delay(RUN_MS);
  clearInterval(timer);
  const oldestMs = Math.max(slowestMs, ...[...underWay].map((startMs) => performance.now() - startMs));
  const what = `the slowest run, with ${underWay.size} under way at the end,`;
  agent.destroy();
  await backend.terminate();
  return { what, value: oldestMs, unit: 'ms' };
}

export const overlappingRuns: Scenario = {
  id: 'overlapping-runs',
  title: 'Runs that overlap',
  description:
    'A job asks a backend for the orders of all accounts every half second. It takes a second, so that the next run starts before; the ' +
    'backend has more and more to do, and each run takes longer than the one before.',
  expect: [{ rule: 'growing-pending-async', kind: 'overlapping-runs' }],
  level: 'diagnose',
  broken: () => work(startAll),
  fixed: () => work(startOneAtATime),
};

runIfMain(import.meta.url, overlappingRuns);
