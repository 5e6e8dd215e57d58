import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CURRENCIES = ['CHF', 'CZK', 'DKK', 'GBP', 'NOK', 'SEK'];
const EVERY_MS = 100;
const LIMIT_MS = 500;
/** The last refresh starts early enough for its time-out to be waited for. */
const LOAD_MS = 7300;
const RUN_MS = 8000;

/** Accepts every request; the 8th for each second currency is never answered. */
const BACKEND = `
  const { createServer } = require('node:http');
  const asked = {};
  const server = createServer((request, response) => {
    const currency = request.url.slice(1);
    asked[currency] = (asked[currency] ?? 0) + 1;
    if (asked[currency] !== 8 || !['CHF', 'CZK', 'NOK', 'SEK'].includes(currency)) setTimeout(() => response.end('1.25'), 5);
  });
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`;

type Ask = (url: string, agent: Agent) => Promise<string>;

async function fetchForever(url: string): Promise<string> {
  const response = await fetch(url); // guilty
  return response.text();
}

async function getForever(url: string, agent: Agent): Promise<string> {
  const [response] = await once(httpGet(url, { agent }), 'response'); // guilty
  return text(response as IncomingMessage);
}

async function fetchAtMost(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  return response.text();
}

async function getAtMost(url: string, agent: Agent): Promise<string> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const [response] = await once(httpGet(url, { agent, signal }), 'response');
  return text(response as IncomingMessage);
}

async function work(asks: readonly Ask[]): Promise<Headline> {
  const backend = new Worker(BACKEND, { eval: true });
  const [port] = await once(backend, 'message');
  const agent = new Agent({ keepAlive: true });
  const startMs = performance.now();
  const refreshedMs = CURRENCIES.map(() => startMs);
  let oldestMs = 0;
  let late = 0;
  const refresh = async (currency: string, i: number) => {
    for (await delay(i * 15); performance.now() - startMs < LOAD_MS; await delay(EVERY_MS)) {
      try {
        await asks[i % asks.length]!(`http://127.0.0.1:${port}/${currency}`, agent);
        oldestMs = Math.max(oldestMs, performance.now() - refreshedMs[i]!);
        refreshedMs[i] = performance.now();
      } catch {
        // The rate of before stays in use until the next refresh.
        late++;
      }
    }
  };
  const end = delay(RUN_MS);
  const refreshed = Promise.all(CURRENCIES.map(refresh));
  await Promise.race([refreshed, end]);
  await end;
  oldestMs = Math.max(oldestMs, ...refreshedMs.map((ms) => performance.now() - ms - (RUN_MS - LOAD_MS)));
  const headline = {
    what: `refreshing the oldest of ${CURRENCIES.length} rates, with ${late} requests given up,`,
    value: oldestMs,
    unit: 'ms',
  };
  await backend.terminate();
  agent.destroy();
  await refreshed;
  return headline;
}

export const missingTimeout: Scenario = {
  id: 'missing-timeout',
  title: 'Requests without a timeout',
  description:
    'Exchange rates are refreshed from a backend that accepts a request and now and then never answers: those rates grow old.',
  expect: [{ rule: 'missing-timeout', kind: 'network' }],
  level: 'diagnose',
  broken: () => work([fetchForever, getForever]),
  fixed: () => work([fetchAtMost, getAtMost]),
};

runIfMain(import.meta.url, missingTimeout);
