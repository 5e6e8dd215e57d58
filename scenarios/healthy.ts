import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { logLine, runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const RUN_MS = 2500;

async function serve(): Promise<Headline> {
  return withTempDir(async (dir) => {
    const file = join(dir, 'orders.json');
    await writeFile(file, JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, text: logLine(id) }))));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 50);
    const routes = {
      '/orders': async () => JSON.stringify(JSON.parse(await readFile(file, 'utf8'))),
      '/wait': async () => String(await delay(20, ticks)),
    };
    try {
      return await withServer(routes, async (get) => {
        const paths = ['/orders', '/wait', '/ping'];
        const endMs = performance.now() + RUN_MS;
        let slowestMs = 0;
        while (performance.now() < endMs) {
          slowestMs = Math.max(slowestMs, ...(await Promise.all(paths.map(get))));
          await delay(10);
        }
        return { what: 'the slowest of all requests', value: slowestMs, unit: 'ms' };
      });
    } finally {
      clearInterval(timer);
    }
  });
}

export const healthy: Scenario = {
  id: 'healthy',
  title: 'A server with nothing wrong',
  description:
    'Timers, small JSON, asynchronous files and kept-alive connections: nothing to report, in either variant.',
  expect: [],
  broken: serve,
  fixed: serve,
};

runIfMain(import.meta.url, healthy);
