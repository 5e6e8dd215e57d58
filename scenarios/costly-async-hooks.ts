import { AsyncLocalStorage } from 'node:async_hooks';
import { type Get, type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const EVERY_MS = 5;
const CLIENTS = 2;
const STEPS = 40;

interface Attempt {
  order: string;
  number: number;
}

/** Does its work as that attempt, so that its log lines can say which one it was. */
type AsAttempt = (attempt: Attempt, work: () => Promise<string>) => Promise<string>;

function withOneEach(attempt: Attempt, work: () => Promise<string>): Promise<string> {
  const current = new AsyncLocalStorage<Attempt>();
  return current.run(attempt, work); // guilty
}

const current = new AsyncLocalStorage<Attempt>();

function withOneForAll(attempt: Attempt, work: () => Promise<string>): Promise<string> {
  return current.run(attempt, work);
}

async function step(sum: number, i: number): Promise<number> {
  return (sum * 31 + i) % 65_521;
}

async function checksum(): Promise<string> {
  let sum = 1;
  for (let i = 0; i < STEPS; i++) sum = await step(sum, i);
  return String(sum);
}

function handler(asAttempt: AsAttempt): Route {
  return (query) => asAttempt({ order: query.get('id')!, number: 1 }, checksum);
}

async function load(get: Get): Promise<Headline> {
  const { requests, pingMs } = await steadyLoad(get, '/checksum?id={i}', EVERY_MS, CLIENTS);
  return { what: `95 of 100 pings beside ${requests} requests`, value: pingMs, unit: 'ms' };
}

export const costlyAsyncHooks: Scenario = {
  id: 'costly-async-hooks',
  title: 'An AsyncLocalStorage for each attempt',
  description:
    'Each attempt makes an AsyncLocalStorage of its own, and nobody disables it. Node 20 and 22 keep them all, and hand each promise ' +
    'the stores of all of them: every await takes longer than the one before.',
  expect: [{ rule: 'costly-async-hooks', kind: 'storages' }],
  lacks: () =>
    '_enable' in AsyncLocalStorage.prototype
      ? null
      : 'a Node.js that carries AsyncLocalStorage by async hooks, such as 22',
  broken: () => withServer({ '/checksum': handler(withOneEach) }, load),
  fixed: () => withServer({ '/checksum': handler(withOneForAll) }, load),
};

runIfMain(import.meta.url, costlyAsyncHooks);
