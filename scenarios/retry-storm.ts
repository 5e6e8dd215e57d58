import { once } from 'node:events';
import { Agent, get, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const OUTAGE_MS = 6000;
/** 200 customers a second, whom the shop fails after a second each until the outage ends. */
const CUSTOMERS = 10;
const EVERY_MS = 50;
const ANSWER_MS = 1000;

const ATTEMPTS = 3;
const BASE_MS = 100;
const AT_ONCE = 40;

const SHOP = `(() => {
  let ill = true;
  const server = require('node:http').createServer((request, response) => {
    if (ill) setTimeout(() => response.writeHead(503).end(), ${ANSWER_MS});
    else response.end('ordered');
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', 2000);
  return (question) => {
    if (question === 'heal') ill = false;
    return server.address().port;
  };
})()`;

type Order = (shop: RequestOptions) => Promise<void>;

let sent = 0;

/** Nobody gives up and nobody waits: those who came during the outage are all in flight, all the time. */
async function orderStubbornly(shop: RequestOptions): Promise<void> {
  for (let ordered = false; !ordered; sent++) {
    const [response] = await once(get(shop), 'response'); // guilty
    await text(response);
    ordered = response.statusCode === 200;
  }
}

async function orderPatiently(shop: RequestOptions): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await orderOnce(shop)) return;
    // Full jitter: those who failed together do not come back together.
    if (attempt < ATTEMPTS) await delay(BASE_MS * 2 ** attempt * random());
  }
}

let inFlight = 0;

async function orderOnce(shop: RequestOptions): Promise<boolean> {
  // A quick no is kinder than a queue that only grows.
  if (inFlight === AT_ONCE) return false;
  inFlight++;
  sent++;
  try {
    const [response] = await once(get(shop), 'response');
    await text(response);
    return response.statusCode === 200;
  } finally {
    inFlight--;
  }
}

let seed = 1;

/** The same numbers in every run. */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

function sell(order: Order): Promise<Headline> {
  return withWorkers(SHOP, 1, async (ask) => {
    const port = (await ask('port')) as number;
    const agent = new Agent({ keepAlive: true });
    const startMs = performance.now();
    const orders: Promise<void>[] = [];
    while (performance.now() - startMs < OUTAGE_MS) {
      await delay(EVERY_MS);
      for (let i = 0; i < CUSTOMERS; i++) orders.push(order({ host: '127.0.0.1', port, agent }));
    }
    await ask('heal');
    await Promise.all(orders);
    agent.destroy();
    const what = `an outage with ${orders.length} orders, sent ${sent} times in all,`;
    return { what, value: performance.now() - startMs, unit: 'ms' };
  });
}

export const retryStorm: Scenario = {
  id: 'retry-storm',
  title: 'Trying again at once, forever',
  description:
    'While a backend fails, every client sends its request again at once and without limit, and new ones join them: the load grows just when it should fall.',
  expect: [{ rule: 'unbounded-concurrency', kind: 'retries' }],
  level: 'diagnose',
  broken: () => sell(orderStubbornly),
  fixed: () => sell(orderPatiently),
};

runIfMain(import.meta.url, retryStorm);
