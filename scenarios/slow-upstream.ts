import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 16;
/** Between two articles of a client. */
const THINK_MS = 400;
const USUAL_MS = 10;
/** So many are fast; then the price list gets slower, by so much with each second. */
const WELL_ARTICLES = 100;
const SLOWER_MS = 250;
const SICK_MS = 6500;
/** Near the usual time: nobody waits for longer. */
const PATIENCE_MS = 60;
/** After a time-out it is not asked again for so long. */
const RESPITE_MS = 1000;

/** Asks one service; there are two, and they share this line. */
async function ask(url: string, signal: AbortSignal | null = null): Promise<string> {
  const response = await fetch(url, { signal }); // guilty
  return response.text();
}

type Price = (url: string) => Promise<string>;

function patientlyOrNot(): Price {
  let last = 'unknown';
  let untilMs = 0;
  return async (url) => {
    if (performance.now() < untilMs) return last;
    try {
      last = await ask(url, AbortSignal.timeout(PATIENCE_MS));
    } catch {
      untilMs = performance.now() + RESPITE_MS;
    }
    return last;
  };
}

async function serve(answerMs: () => number): Promise<Server> {
  const server = createServer((_request, response) => setTimeout(() => response.end('42'), answerMs()));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function shop(price: Price): Promise<Headline> {
  let articles = 0;
  let sickSinceMs = Number.POSITIVE_INFINITY;
  const sickMs = (): number => Math.max(0, performance.now() - sickSinceMs);
  const prices = await serve(() => USUAL_MS + (sickMs() / 1000) * SLOWER_MS);
  const stock = await serve(() => USUAL_MS);
  const [pricesUrl, stockUrl] = [prices, stock].map((one) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`);
  let slowestMs = 0;
  const client = async (i: number): Promise<void> => {
    await delay((THINK_MS * i) / CLIENTS);
    while (sickMs() < SICK_MS) {
      const beginMs = performance.now();
      await Promise.all([price(`${pricesUrl}/prices`), ask(`${stockUrl}/stock`)]);
      slowestMs = Math.max(slowestMs, performance.now() - beginMs);
      if (++articles === WELL_ARTICLES) sickSinceMs = performance.now();
      await delay(THINK_MS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
  for (const one of [prices, stock]) {
    one.closeAllConnections();
    one.close();
  }
  return { what: 'the slowest article', value: slowestMs, unit: 'ms' };
}

export const slowUpstream: Scenario = {
  id: 'slow-upstream',
  title: 'A service that gets slower and slower',
  description:
    'Each article needs a price and the stock, from two services. After a while one of them takes longer with each second, and each article takes as long.',
  expect: [{ rule: 'slow-upstream', kind: 'answers' }],
  level: 'diagnose',
  broken: () => shop(ask),
  fixed: () => shop(patientlyOrNot()),
};

runIfMain(import.meta.url, slowUpstream);
