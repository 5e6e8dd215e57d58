import { setTimeout as delay } from 'node:timers/promises';
import { type Get, type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** How long the stock keeper takes to answer. */
const ANSWER_MS = 300;

/** What the request waits for, as a flag. */
interface Job {
  done: boolean;
}

function start(work: Promise<unknown>): Job {
  const job = { done: false };
  work.then(() => {
    job.done = true;
  });
  return job;
}

/** Asks in every turn of the loop, which so never sleeps. */
function waitByTurns(job: Job): Promise<void> {
  return new Promise((resolve) => {
    const look = (): unknown => (job.done ? resolve() : setImmediate(look)); // guilty
    look();
  });
}

/** Node makes 1 ms of the 0: a thousand looks a second. */
function waitByInterval(job: Job): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => job.done && finish(), 0); // guilty
    const finish = () => {
      clearInterval(timer);
      resolve();
    };
  });
}

async function orderPolling(askStock: Get): Promise<string> {
  const stock = start(askStock('/stock'));
  const price = start(askStock('/price'));
  await Promise.all([waitByTurns(stock), waitByInterval(price)]);
  return 'ordered';
}

async function orderAwaiting(askStock: Get): Promise<string> {
  await Promise.all([askStock('/stock'), askStock('/price')]);
  return 'ordered';
}

const slowly: Route = () => delay(ANSWER_MS, 'plenty');

function serve(order: (askStock: Get) => Promise<string>): Promise<Headline> {
  return withServer({ '/stock': slowly, '/price': slowly }, (askStock) =>
    withServer({ '/order': () => order(askStock) }, async (get) => {
      const before = process.cpuUsage();
      const { requests } = await steadyLoad(get, '/order', ANSWER_MS);
      const { user, system } = process.cpuUsage(before);
      return { what: `computing for ${requests} orders, which only wait,`, value: (user + system) / 1000, unit: 'ms' };
    }),
  );
}

export const busyPolling: Scenario = {
  id: 'busy-polling',
  title: 'Asking again and again whether it is done',
  description:
    'A request waits for another service by looking at a flag in every turn of the loop: a whole core waits with it.',
  expect: [{ rule: 'task-switch-churn', kind: 'polling' }],
  broken: () => serve(orderPolling),
  fixed: () => serve(orderAwaiting),
};

runIfMain(import.meta.url, busyPolling);
