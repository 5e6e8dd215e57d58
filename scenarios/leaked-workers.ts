import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Route, runIfMain, steadyLoad, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const EVERY_MS = 600;
const CLIENTS = 3;
const POOL = 2;
const ORDER = 'an order of a few words';

/** Self-contained, as the workers get its source. */
function checksum(order: string): number {
  let sum = 0;
  for (let i = 0; i < order.length; i++) sum = (sum * 31 + order.charCodeAt(i)) % 65_521;
  return sum;
}

const SOURCE = `
  const { parentPort } = require('node:worker_threads');
  const checksum = ${checksum};
  parentPort.on('message', (order) => parentPort.postMessage(checksum(order)));`;
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

const threads = new Set<Worker>();

/** Having answered, the thread waits for a second order, which never comes. */
async function signLeaking(): Promise<string> {
  const worker = new Worker(SOURCE, { eval: true, resourceLimits }); // guilty
  threads.add(worker);
  worker.postMessage(ORDER);
  const [sum] = await once(worker, 'message');
  return String(sum);
}

function serve(route: Route, countThreads: () => number): Promise<Headline> {
  return withServer({ '/sign': route }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/sign', EVERY_MS, CLIENTS);
    const what = `95 of 100 pings beside ${requests} orders, with ${countThreads()} threads at the end,`;
    return { what, value: pingMs, unit: 'ms' };
  });
}

export const leakedWorkers: Scenario = {
  id: 'leaked-workers',
  title: 'A thread that waits for a second job',
  description:
    'Each request starts a worker thread and never ends it: all of them idle, each with a heap and an event loop of its own.',
  expect: [{ rule: 'growing-workers', kind: 'workers' }],
  level: 'diagnose',
  broken: async () => {
    try {
      return await serve(signLeaking, () => threads.size);
    } finally {
      // Only so that the process can end.
      await Promise.all([...threads].map((worker) => worker.terminate()));
    }
  },
  fixed: () =>
    withWorkers(checksum.toString(), POOL, (ask) =>
      serve(
        async () => String(await ask(ORDER)),
        () => POOL,
      ),
    ),
};

runIfMain(import.meta.url, leakedWorkers);
