import { once } from 'node:events';
import { Agent, get, type RequestOptions, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const TILLS = 20;
const SALES = 20;
const EVERY_MS = 100;

/** One number behind HTTP. */
const STORE = `(() => {
  let value = '0';
  const server = require('node:http').createServer(async (request, response) => {
    if (request.method === 'PUT') value = await require('node:stream/consumers').text(request);
    response.end(value);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  return () => server.address().port;
})()`;

type Sell = (sold: RequestOptions) => Promise<void>;

async function read(value: RequestOptions): Promise<number> {
  const [response] = await once(get(value), 'response');
  return Number(await text(response));
}

async function write(value: RequestOptions, to: number): Promise<void> {
  const [response] = await once(request({ ...value, method: 'PUT' }).end(String(to)), 'response');
  await text(response);
}

/** Between reading and writing all other tills run: who writes last wins, and the other sales are gone. */
async function sell(sold: RequestOptions): Promise<void> {
  const before = await read(sold);
  await write(sold, before + 1); // guilty
}

let last: Promise<unknown> = Promise.resolve();

/** A mutex: each task starts when the one before it has ended, well or badly. */
function exclusively<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task);
  last = result.catch(() => {});
  return result;
}

function runTills(sellOne: Sell): Promise<Headline> {
  return withWorkers(STORE, 1, async (ask) => {
    const agent = new Agent({ keepAlive: true });
    const sold = { host: '127.0.0.1', port: (await ask(null)) as number, agent };
    const startMs = performance.now();
    const till = async () => {
      for (let i = 0; i < SALES; i++) {
        await delay(EVERY_MS);
        await sellOne(sold);
      }
    };
    await Promise.all(Array.from({ length: TILLS }, till));
    const tookMs = performance.now() - startMs;
    const lost = TILLS * SALES - (await read(sold));
    agent.destroy();
    return { what: `${TILLS * SALES} sales, of which ${lost} were lost,`, value: tookMs, unit: 'ms' };
  });
}

export const lostUpdate: Scenario = {
  id: 'lost-update',
  title: 'Reading, awaiting, writing',
  description:
    'A counter is read, increased and written back, with an await in between; no two lines run at once, and yet updates are lost. Shown by its own measurement: how many.',
  expect: [],
  broken: () => runTills(sell),
  fixed: () => runTills((sold) => exclusively(() => sell(sold))),
};

runIfMain(import.meta.url, lostUpdate);
