import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Route, runIfMain, slowestPing, withServer, withTempDir, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 40 MB of text, which take about 250 ms to parse. */
const ORDERS = 140_000;
const REQUESTS = 4;

async function importBlocking(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const orders = JSON.parse(text) as unknown[]; // guilty
  return String(orders.length);
}

/** The worker reads the file itself: sending it the text would only move the blocking to the copy. */
const IMPORT_ON_WORKER = `(file) => JSON.parse(require('node:fs').readFileSync(file, 'utf8')).length`;

/** In pieces, so that making the text is not what blocks. */
async function writeOrders(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let from = 0; from < ORDERS; from += 2000) {
      const orders = Array.from({ length: 2000 }, (_, i) => JSON.stringify(order(from + i)));
      await handle.write(`${from === 0 ? '[' : ','}${orders.join(',')}`);
    }
    await handle.write(']');
  } finally {
    await handle.close();
  }
}

function order(id: number): unknown {
  return {
    id,
    note: 'some words of "text" that a user wrote\n',
    quantities: Array.from({ length: 30 }, (_, i) => id * i),
  };
}

function serve(importOrders: Route): Promise<Headline> {
  return withServer({ '/import': importOrders }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} imports`,
    value: await slowestPing(get, '/import', REQUESTS),
    unit: 'ms',
  }));
}

export const jsonBomb: Scenario = {
  id: 'json-bomb',
  title: 'Parsing tens of megabytes of JSON',
  description:
    'An import parses one huge JSON text on the main thread; reading it was asynchronous, JSON.parse cannot be.',
  expect: [{ rule: 'blocked-event-loop', kind: 'json' }],
  broken: () =>
    withTempDir(async (dir) => {
      const file = join(dir, 'orders.json');
      await writeOrders(file);
      return serve(() => importBlocking(file));
    }),
  fixed: () =>
    withTempDir(async (dir) => {
      const file = join(dir, 'orders.json');
      await writeOrders(file);
      return withWorkers(IMPORT_ON_WORKER, 1, (ask) => serve(async () => String(await ask(file))));
    }),
};

runIfMain(import.meta.url, jsonBomb);
