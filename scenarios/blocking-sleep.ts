import { setTimeout as delay } from 'node:timers/promises';
import { type Get, runIfMain, togetherThenApart, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const SLEEP_MS = 300;

async function sleepBlocking(): Promise<string> {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, SLEEP_MS); // guilty
  return 'slept';
}

async function sleepAwaiting(): Promise<string> {
  await delay(SLEEP_MS);
  return 'slept';
}

async function measure(get: Get): Promise<Headline> {
  return { what: `three calls of ${SLEEP_MS} ms`, value: await togetherThenApart(get, '/sleep', 3), unit: 'ms' };
}

export const blockingSleep: Scenario = {
  id: 'blocking-sleep',
  title: 'A handler sleeps synchronously',
  description:
    'An async handler waits with Atomics.wait, which stops the whole thread: three calls run one after another.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-sleep' }],
  broken: () => withServer({ '/sleep': sleepBlocking }, measure),
  fixed: () => withServer({ '/sleep': sleepAwaiting }, measure),
};

runIfMain(import.meta.url, blockingSleep);
