import { once } from 'node:events';
import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CALLERS = 100;
/** Between an answer and the next request of a caller. */
const THINK_MS = 600;
const ANSWER_MS = 40;
const RUN_MS = 8000;

/** Somebody meant to be kind to the warehouse, which takes hundreds. */
const few = new Agent({ keepAlive: true, maxSockets: 2 });
const enough = new Agent({ keepAlive: true, maxSockets: CALLERS });

type Ask = (port: number, agent: Agent) => Promise<string>;

async function ask(port: number, agent: Agent): Promise<string> {
  const request = httpGet({ host: '127.0.0.1', port, path: '/stock', agent }); // guilty
  const [response] = await once(request, 'response');
  return text(response);
}

async function callers(asking: Ask, agent: Agent): Promise<Headline> {
  const warehouse = createServer((_request, response) => setTimeout(() => response.end('42'), ANSWER_MS));
  warehouse.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => warehouse.listen(0, '127.0.0.1', resolve));
  const { port } = warehouse.address() as AddressInfo;
  const tookMs: number[] = [];
  await withServer({ '/stock': () => asking(port, agent) }, async (get) => {
    const endMs = performance.now() + RUN_MS;
    const caller = async (i: number): Promise<void> => {
      await delay((THINK_MS * i) / CALLERS);
      while (performance.now() < endMs) {
        tookMs.push(await get('/stock'));
        await delay(THINK_MS);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)));
  });
  agent.destroy();
  warehouse.closeAllConnections();
  warehouse.close();
  tookMs.sort((a, b) => a - b);
  return {
    what: `half of ${tookMs.length} requests of ${CALLERS} callers`,
    value: tookMs[tookMs.length >> 1]!,
    unit: 'ms',
  };
}

export const connectionPoolExhausted: Scenario = {
  id: 'connection-pool-exhausted',
  title: 'Two connections for a hundred callers',
  description:
    'A server asks a warehouse for each of its requests, by an agent that opens two connections at most. Each request takes 40 ms, and waits more than a second for its turn.',
  expect: [{ rule: 'exhausted-connection-pool', kind: 'too-small' }],
  level: 'diagnose',
  broken: () => callers(ask, few),
  fixed: () => callers(ask, enough),
};

runIfMain(import.meta.url, connectionPoolExhausted);
