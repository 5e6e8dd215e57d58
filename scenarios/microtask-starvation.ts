import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 1500 ms of awaits; the work itself is a hundredth of that. */
const MESSAGES = 10_000_000;
/** Well below a millisecond of work. */
const BATCH = 20_000;
const EVERY_MS = 2000;

const messages = Int32Array.from({ length: BATCH }, (_, i) => i * 31);
const connected = Promise.resolve(messages);

/** A queue in memory with the interface of a remote one: every answer is a promise. */
const take = async (i: number): Promise<number> => (await connected)[i % BATCH]!; // guilty
const takeBatch = async (): Promise<Int32Array> => connected;

/** Each await continues as a microtask; timers and sockets have to wait until there is none left. */
// biome-ignore format: the mark ends the line it means
async function drainOneByOne(): Promise<string> { // guilty
  let sum = 0;
  // biome-ignore format: the mark ends the line it means
  for (let i = 0; i < MESSAGES; i++) { // guilty
    const message = await take(i); // guilty
    sum = (sum * 31 + message) | 0; // guilty
  }
  return String(sum);
}

async function drainInTurns(): Promise<string> {
  let sum = 0;
  for (let i = 0; i < MESSAGES; i += BATCH) {
    const batch = await takeBatch();
    for (let j = 0; j < BATCH; j++) sum = (sum * 31 + batch[j]!) | 0;
    await nextTurn();
  }
  return String(sum);
}

function serve(drain: Route): Promise<Headline> {
  return withServer({ '/drain': drain }, async (get) => {
    const { requests, slowestPingMs } = await steadyLoad(get, '/drain', EVERY_MS);
    return { what: `the slowest /ping beside ${requests} drains`, value: slowestPingMs, unit: 'ms' };
  });
}

export const microtaskStarvation: Scenario = {
  id: 'microtask-starvation',
  title: 'A chain of promises that never lets go',
  description:
    'A queue in memory is drained with an await per message. Every promise is settled already, so the loop never turns.',
  expect: [{ rule: 'starved-event-loop', kind: 'microtask' }],
  broken: () => serve(drainOneByOne),
  fixed: () => serve(drainInTurns),
};

runIfMain(import.meta.url, microtaskStarvation);
