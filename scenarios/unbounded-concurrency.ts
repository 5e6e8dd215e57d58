import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { runIfMain, steadyLoad, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Two descriptors each, as the stock keeper is a thread of this process: together just within the old hard limit of 4096. */
const ITEMS = 2000;
const AT_ONCE = 24;
const ANSWER_MS = 20;
const EVERY_MS = 2500;

const STOCK_KEEPER = `(() => {
  let open = 0;
  let most = 0;
  const server = require('node:http').createServer((request, response) => {
    setTimeout(() => response.end('7'), ${ANSWER_MS});
  });
  server.on('connection', (socket) => {
    most = Math.max(most, ++open);
    socket.on('close', () => open--);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', ${ITEMS});
  return () => ({ port: server.address().port, most });
})()`;
type StockKeeper = { port: number; most: number };

const ids = Array.from({ length: ITEMS }, (_, id) => id);
const body = ([response]: IncomingMessage[]) => text(response!);

/** As many connections as there are items, however many there will be. */
async function refreshAtOnce(stock: RequestOptions): Promise<void> {
  await Promise.all(ids.map((id) => once(get({ ...stock, path: `/stock/${id}` }), 'response').then(body))); // guilty
}

async function refreshLimited(stock: RequestOptions): Promise<void> {
  await eachLimited(ids, AT_ONCE, (id) => once(get({ ...stock, path: `/stock/${id}` }), 'response').then(body));
}

/** Runs `task` for every item, for at most `limit` of them at a time. */
async function eachLimited<T>(items: T[], limit: number, task: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const runner = async () => {
    for (const item of left) await task(item);
  };
  await Promise.all(Array.from({ length: limit }, runner));
}

function serve(refresh: (stock: RequestOptions) => Promise<void>): Promise<Headline> {
  return withWorkers(STOCK_KEEPER, 1, async (ask) => {
    const { port } = (await ask(null)) as StockKeeper;
    const agent = new Agent({ keepAlive: true });
    const route = async () => {
      await refresh({ host: '127.0.0.1', port, agent });
      return 'refreshed';
    };
    return withServer({ '/refresh': route }, async (get) => {
      const { requests, slowestPingMs } = await steadyLoad(get, '/refresh', EVERY_MS);
      agent.destroy();
      const { most } = (await ask(null)) as StockKeeper;
      const what = `the slowest /ping beside ${requests} refreshes of ${ITEMS} items, over up to ${most} connections,`;
      return { what, value: slowestPingMs, unit: 'ms' };
    });
  });
}

export const unboundedConcurrency: Scenario = {
  id: 'unbounded-concurrency',
  title: 'As many requests at once as there are items',
  description:
    'Promise.all over all items starts thousands of requests from one line, each on a connection of its own; nothing holds them back.',
  expect: [{ rule: 'unbounded-concurrency', kind: 'burst' }],
  level: 'diagnose',
  broken: () => serve(refreshAtOnce),
  fixed: () => serve(refreshLimited),
};

runIfMain(import.meta.url, unboundedConcurrency);
