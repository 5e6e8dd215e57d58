import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, logLine, runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const PAUSE_MS = 25;
const RUN_MS = 6000;
/** The second one is not a file's name, so nothing of it is ever written. */
const CUSTOMERS = ['Brown', 'Brown/Smith', 'Clark', 'Evans', 'Hall', 'Jones', 'Moore', 'Scott'];

type Order = (dir: string, number: number) => string | Promise<string>;

async function audit(dir: string, number: number): Promise<void> {
  const customer = CUSTOMERS[number % CUSTOMERS.length]!;
  await appendFile(join(dir, `${customer}.log`), `${logLine(number)}\n`);
}

function orderFloating(dir: string, number: number): string {
  audit(dir, number); // guilty
  return 'ordered';
}

async function orderAwaiting(dir: string, number: number): Promise<string> {
  try {
    await audit(dir, number);
    return 'ordered';
  } catch {
    return 'ordered, to be audited by hand';
  }
}

function serve(order: Order, missing: () => string): Promise<Headline> {
  return withTempDir((dir) => {
    let number = 0;
    return withServer({ '/order': () => order(dir, number++) }, async (get) => {
      const slowestMs = await load(get);
      return { what: `the slowest of ${number} orders, ${missing()},`, value: slowestMs, unit: 'ms' };
    });
  });
}

async function load(get: Get): Promise<number> {
  let slowestMs = 0;
  for (const endMs = performance.now() + RUN_MS; performance.now() < endMs; await delay(PAUSE_MS)) {
    slowestMs = Math.max(slowestMs, await get('/order'));
  }
  return slowestMs;
}

/** As services do to stay up: whatever nobody awaited is counted, and forgotten. */
async function serveSwallowing(): Promise<Headline> {
  let swallowed = 0;
  const swallow = () => {
    swallowed++;
  };
  process.on('unhandledRejection', swallow);
  try {
    return await serve(orderFloating, () => `with ${swallowed} audit records missing unnoticed`);
  } finally {
    process.off('unhandledRejection', swallow);
  }
}

export const floatingPromises: Scenario = {
  id: 'floating-promises',
  title: 'A promise that nobody awaits',
  description:
    'A handler starts an audit record and does not wait for it; those that fail end in a handler that only counts them.',
  expect: [{ rule: 'floating-promises', kind: 'floating' }],
  level: 'diagnose',
  broken: serveSwallowing,
  fixed: () => serve(orderAwaiting, () => 'with every missing audit record told'),
};

runIfMain(import.meta.url, floatingPromises);
