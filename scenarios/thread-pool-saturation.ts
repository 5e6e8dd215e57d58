import { pbkdf2 } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const deriveKey = promisify(pbkdf2);

/** About 50 ms of a core. */
const ITERATIONS = 90_000;
const CLIENTS = 16;
/** Of the pool's four threads, what keys may take. */
const AT_ONCE = 1;

const PAGE = fileURLToPath(import.meta.url);

/** Each takes a thread of the pool for as long as it computes: sixteen at once leave none for the disk. */
async function logIn(): Promise<string> {
  const key = await deriveKey('password', 'salt', ITERATIONS, 64, 'sha512'); // guilty
  return key.toString('hex');
}

/** Runs a task when one of the others has ended. */
function limited<T>(most: number, task: () => Promise<T>): () => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async () => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

function serve(login: () => Promise<string>): Promise<Headline> {
  return withServer({ '/login': login, '/page': () => readFile(PAGE, 'utf8') }, async (get) => {
    let reading = true;
    let slowestMs = 0;
    const pages = (async () => {
      while (reading) slowestMs = Math.max(slowestMs, await get('/page'));
    })();
    await steadyLoad(get, '/login', 0, CLIENTS);
    reading = false;
    await pages;
    return {
      what: `the slowest page, read from disk beside ${CLIENTS} clients that log in,`,
      value: slowestMs,
      unit: 'ms',
    };
  });
}

export const threadPoolSaturation: Scenario = {
  id: 'thread-pool-saturation',
  title: 'Keys are derived on all threads of the pool',
  description:
    'pbkdf2 runs on the thread pool of libuv, which has four threads. Sixteen at once keep it busy, and files, names and whatever else needs a thread wait behind them.',
  expect: [{ rule: 'saturated-thread-pool', kind: 'computing' }],
  level: 'diagnose',
  broken: () => serve(logIn),
  fixed: () => serve(limited(AT_ONCE, logIn)),
};

runIfMain(import.meta.url, threadPoolSaturation);
