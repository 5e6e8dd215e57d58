import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const JOBS = 80;
const EVERY_MS = 25;
const ARTICLES = 60_000;

/** Finds the price of one article, in what it was sent or in a file that it has read once. */
const CHILD = `
  let read;
  process.on('message', ({ articles, file, id }) => {
    read ??= file && JSON.parse(require('node:fs').readFileSync(file, 'utf8'));
    process.send((articles ?? read)[id].cents);
  });
  process.send('ready');`;

const articles = Array.from({ length: ARTICLES }, (_, id) => ({
  id,
  name: `article ${id} of a large catalogue`,
  cents: (id * 7919) % 100_000,
}));

type Send = (child: ChildProcess, id: number) => void;

/** The whole catalogue as JSON through a pipe, for one price. */
const sendAll: Send = (child, id) => {
  child.send({ articles, id }); // guilty
};

async function findPrices(send: Send): Promise<Headline> {
  const child = spawn(process.execPath, [...process.execArgv, '-e', CHILD], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  let slowestMs = 0;
  for (let i = 0; i < JOBS; i++) {
    const startMs = performance.now();
    send(child, i);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    await once(child, 'message');
    await delay(EVERY_MS);
  }
  child.disconnect();
  await once(child, 'exit');
  return { what: `sending the slowest of ${JOBS} jobs`, value: slowestMs, unit: 'ms' };
}

export const heavyIpc: Scenario = {
  id: 'heavy-ipc',
  title: 'A catalogue sent for one price',
  description:
    'Each message to a child process has the whole catalogue in it, which is written as JSON here and parsed there. The name of a file would do.',
  expect: [{ rule: 'heavy-messages', kind: 'ipc' }],
  broken: () => findPrices(sendAll),
  fixed: () =>
    withTempDir(async (dir) => {
      const file = join(dir, 'catalogue.json');
      await writeFile(file, JSON.stringify(articles));
      return await findPrices((child, id) => child.send({ file, id }));
    }),
};

runIfMain(import.meta.url, heavyIpc);
