import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { runIfMain, steadyLoad, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 16;
const EVERY_MS = 250;
const ANSWER_MS = 150;

const WAREHOUSE = `(() => {
  const server = require('node:http').createServer((request, response) => {
    setTimeout(() => response.end('7'), ${ANSWER_MS});
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  return () => server.address().port;
})()`;

/** Waits for one answer, and ends. */
const SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  require('node:http').get(workerData, (response) => {
    response.setEncoding('utf8').on('data', (text) => parentPort.postMessage(text));
  });`;
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

type Ask = (url: string) => Promise<string>;

/** A heap, an event loop and tens of milliseconds of a core, to wait for one answer. */
const askOnThread: Ask = async (url) => {
  const worker = new Worker(SOURCE, { eval: true, workerData: url, resourceLimits }); // guilty
  const [[answer]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  return answer as string;
};

function askWith(agent: Agent): Ask {
  return async (url) => {
    const [response] = (await once(httpGet(url, { agent }), 'response')) as [IncomingMessage];
    return await text(response);
  };
}

function serve(ask: Ask): Promise<Headline> {
  return withWorkers(WAREHOUSE, 1, async (warehouse) => {
    const url = `http://127.0.0.1:${await warehouse(null)}/stock`;
    return await withServer({ '/stock': () => ask(url) }, async (get) => {
      const cpu = process.cpuUsage();
      const { requests } = await steadyLoad(get, '/stock', EVERY_MS, CLIENTS);
      const { user, system } = process.cpuUsage(cpu);
      const what = `CPU time of each of ${requests} requests, which wait ${ANSWER_MS} ms for an answer,`;
      return { what, value: (user + system) / 1000 / requests, unit: 'ms' };
    });
  });
}

export const workerPerRequest: Scenario = {
  id: 'worker-per-request',
  title: 'A thread for each request that only waits',
  description:
    'Each request starts a worker thread, which asks another server and ends. Waiting needs no thread: one event loop waits for thousands of answers.',
  expect: [{ rule: 'growing-workers', kind: 'workers' }],
  level: 'diagnose',
  broken: () => serve(askOnThread),
  fixed: async () => {
    const agent = new Agent({ keepAlive: true });
    try {
      return await serve(askWith(agent));
    } finally {
      agent.destroy();
    }
  },
};

runIfMain(import.meta.url, workerPerRequest);
