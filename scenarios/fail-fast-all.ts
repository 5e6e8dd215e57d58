import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const ITEMS = Array.from({ length: 200 }, (_, item) => item);
/** The requests of a round are spread over this time, so that starting them is no block of its own. */
const SPREAD_MS = 400;
const ROUNDS = 3;
const EVERY_MS = 2100;
const QUIET_MS = 300;
const LIMIT_MS = 2000;
const TRIES = 3;
const BACK_OFF_MS = 100;

/** Of 200 items 10 fail after 100 ms, half of them at every try; the others take 50 to 400 ms. */
const fails = (item: number, tried: number) => item % 20 === 7 && (tried === 0 || item % 40 === 7);
const answerMs = (item: number) => (item % 20 === 7 ? 100 : 50 + ((item * 37) % 351));

type FetchRound = (url: string) => Promise<string[]>;

async function fetchItem(url: string, item: number, tried = 0, signal: AbortSignal | null = null): Promise<string> {
  await delay((item / ITEMS.length) * SPREAD_MS);
  const response = await fetch(`${url}/?item=${item}&tried=${tried}`, { signal });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

async function fetchFailingFast(url: string): Promise<string[]> {
  try {
    return await Promise.all(ITEMS.map((item) => fetchItem(url, item))); // guilty
  } catch {
    return [];
  }
}

/** Asks again, later each time, for what failed; what answered is kept. */
async function fetchSettling(url: string): Promise<string[]> {
  const kept: string[] = [];
  let items = ITEMS;
  for (let tried = 0; tried < TRIES && items.length > 0; tried++) {
    if (tried > 0) await delay(BACK_OFF_MS * 2 ** (tried - 1));
    const settled = await Promise.allSettled(
      items.map((item) => fetchItem(url, item, tried, AbortSignal.timeout(LIMIT_MS))),
    );
    kept.push(...settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    items = items.filter((_, i) => settled[i]!.status === 'rejected');
  }
  return kept;
}

async function work(fetchRound: FetchRound): Promise<Headline> {
  const backend = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const item = Number(query.get('item'));
    if (fails(item, Number(query.get('tried')))) response.statusCode = 503;
    setTimeout(() => response.end(`item ${item}`), answerMs(item));
  });
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
  // The first fetch also loads what fetch is made of.
  await fetchItem(url, 0);
  await delay(QUIET_MS);
  let kept = 0;
  let tookMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    kept += (await fetchRound(url)).length;
    tookMs += performance.now() - startMs;
    await delay(EVERY_MS - (performance.now() - startMs));
  }
  backend.closeAllConnections();
  await once(backend.close(), 'close');
  return { what: `getting ${kept / ROUNDS} of ${ITEMS.length} results`, value: tookMs / ROUNDS, unit: 'ms' };
}

export const failFastAll: Scenario = {
  id: 'fail-fast-all',
  title: 'One failure throws the results of all others away',
  description:
    'Promise.all over 200 requests of which 10 fail: the first failure ends the wait, and 190 requests run on for nobody.',
  expect: [{ rule: 'orphaned-async', kind: 'all' }],
  level: 'diagnose',
  broken: () => work(fetchFailingFast),
  fixed: () => work(fetchSettling),
};

runIfMain(import.meta.url, failFastAll);
