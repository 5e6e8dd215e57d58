import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 25 ms with an await per item. */
const ITEMS = 100_000;
const BATCH = 1000;
const prices = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);

/** Asynchronous although they have nothing to wait for. */
const tableOf = async (_item: number): Promise<readonly number[]> => prices; // guilty
const priceOf = async (item: number): Promise<number> => (await tableOf(item))[item % prices.length]!; // guilty

// biome-ignore format: the mark ends the line it means
async function sumByItems(): Promise<string> { // guilty
  let sum = 0;
  // biome-ignore format: the mark ends the line it means
  for (let item = 0; item < ITEMS; item++) { // guilty
    sum += await priceOf(item); // guilty
  }
  return String(sum);
}

async function priceOfBatch(from: number): Promise<number> {
  let sum = 0;
  for (let item = from; item < from + BATCH; item++) sum += prices[item % prices.length]!;
  return sum;
}

async function sumByBatches(): Promise<string> {
  let sum = 0;
  for (let from = 0; from < ITEMS; from += BATCH) sum += await priceOfBatch(from);
  return String(sum);
}

/** What one switch of each sort costs on this machine, for the reader; few rounds, as it is not the load. */
async function printCosts(): Promise<void> {
  const worker = new Worker(ECHO, { eval: true });
  const tick = () => new Promise<void>((resolve) => process.nextTick(resolve));
  const roundTrip = () => {
    worker.postMessage(0);
    return once(worker, 'message');
  };
  try {
    await roundTrip();
    console.log(`await             ${await costText(10_000, () => priceOf(1))}`);
    console.log(`process.nextTick  ${await costText(4000, tick)}`);
    console.log(`setImmediate      ${await costText(1000, nextTurn)}`);
    console.log(`worker and back   ${await costText(200, roundTrip)}`);
  } finally {
    await worker.terminate();
  }
}

const ECHO = `const { parentPort } = require('node:worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m));`;

async function costText(rounds: number, go: () => Promise<unknown>): Promise<string> {
  const startMs = performance.now();
  for (let i = 0; i < rounds; i++) await go();
  return `${(((performance.now() - startMs) * 1000) / rounds).toFixed(2).padStart(6)} µs`;
}

async function serve(sum: Route): Promise<Headline> {
  await printCosts();
  return withServer({ '/sum': sum }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/sum', 10);
    return { what: `95 of 100 pings beside ${requests} sums over ${ITEMS} items`, value: pingMs, unit: 'ms' };
  });
}

export const taskSwitchChurn: Scenario = {
  id: 'task-switch-churn',
  title: 'A hundred thousand awaits of nothing',
  description:
    'Each item is awaited although it is in memory already; the switches cost far more than the work between.',
  expect: [{ rule: 'task-switch-churn', kind: 'awaits' }],
  broken: () => serve(sumByItems),
  fixed: () => serve(sumByBatches),
};

runIfMain(import.meta.url, taskSwitchChurn);
