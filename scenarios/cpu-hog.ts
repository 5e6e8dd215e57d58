import { availableParallelism } from 'node:os';
import { type Get, runIfMain, togetherThenApart, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 250 ms of square roots. */
const NUMBERS = 1e8;
const CALLS = 4;

function sumOnMainThread(): string {
  let sum = 0;
  for (let i = 0; i < NUMBERS; i++) sum += Math.sqrt(i); // guilty
  return String(sum);
}

const SUM_ON_WORKER = `(numbers) => {
  let sum = 0;
  for (let i = 0; i < numbers; i++) sum += Math.sqrt(i);
  return sum;
}`;

async function measure(get: Get): Promise<Headline> {
  return {
    what: `${CALLS} sums over ${NUMBERS} numbers`,
    value: await togetherThenApart(get, '/sum', CALLS),
    unit: 'ms',
  };
}

export const cpuHog: Scenario = {
  id: 'cpu-hog',
  title: 'Computing on the main thread',
  description:
    'Every request sums square roots on the main thread, one core at a time; a pool of worker threads uses all.',
  expect: [{ rule: 'blocked-event-loop', kind: 'js-cpu' }],
  broken: () => withServer({ '/sum': sumOnMainThread }, measure),
  fixed: () =>
    withWorkers(SUM_ON_WORKER, Math.min(CALLS, availableParallelism()), (ask) =>
      withServer({ '/sum': async () => String(await ask(NUMBERS)) }, measure),
    ),
};

runIfMain(import.meta.url, cpuHog);
