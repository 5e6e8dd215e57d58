import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const JOBS = 80;
const EVERY_MS = 25;
const ORDERS = 60_000;

interface Order {
  id: number;
  customer: string;
  cents: number;
}

/** Adds up a column: of objects, or of shared memory. */
const SOURCE = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ orders, shared }) => {
    let cents = 0;
    if (orders) for (const order of orders) cents += order.cents;
    else for (const value of new Float64Array(shared)) cents += value;
    parentPort.postMessage(cents);
  });`;

const orders = Array.from(
  { length: ORDERS },
  (_, id): Order => ({ id, customer: `customer ${id % 997}`, cents: (id * 7919) % 100_000 }),
);

type Send = (worker: Worker) => void;

/** Each job gets a copy of all orders: made here, and made into objects there, both on the loops. */
const sendOrders: Send = (worker) => {
  worker.postMessage({ orders }); // guilty
};

/** The column that the job is about, written once. */
function sharing(): Send {
  const shared = new SharedArrayBuffer(ORDERS * 8);
  const column = new Float64Array(shared);
  orders.forEach(({ cents }, i) => {
    column[i] = cents;
  });
  return (worker) => worker.postMessage({ shared });
}

async function addUp(send: Send): Promise<Headline> {
  const worker = new Worker(SOURCE, { eval: true });
  let slowestMs = 0;
  for (let i = 0; i < JOBS; i++) {
    const startMs = performance.now();
    send(worker);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    await once(worker, 'message');
    await delay(EVERY_MS);
  }
  await worker.terminate();
  return { what: `sending the slowest of ${JOBS} jobs about ${ORDERS} orders`, value: slowestMs, unit: 'ms' };
}

export const cloneStorm: Scenario = {
  id: 'clone-storm',
  title: 'All of it for each job',
  description:
    'A worker thread takes the sum off the main thread, but gets a copy of all orders for each: cloning them takes longer than the sum, on the loop that it was to relieve.',
  expect: [{ rule: 'heavy-messages', kind: 'clone' }],
  broken: () => addUp(sendOrders),
  fixed: () => addUp(sharing()),
};

runIfMain(import.meta.url, cloneStorm);
