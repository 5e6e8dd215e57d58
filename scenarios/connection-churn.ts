import { once } from 'node:events';
import { Agent, createServer, get as httpsGet } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 4;
const REQUESTS = 80;
const ANSWER_MS = 5;

/** A key that both sides know: no certificate is needed. */
const KEY = Buffer.from('a key that both sides know alrea');
const SHARED = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const KNOWS = { ...SHARED, pskCallback: () => ({ psk: KEY, identity: 'shop' }), checkServerIdentity: () => undefined };

type Price = (port: number) => Promise<void>;

async function ask(port: number, agent: Agent): Promise<void> {
  const request = httpsGet({ host: '127.0.0.1', port, path: '/price', agent }); // guilty
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
}

/** Its connection is closed with the answer: nobody else has this agent. */
const priceByItself: Price = (port) => ask(port, new Agent(KNOWS));

const kept = new Agent({ ...KNOWS, keepAlive: true });
const priceByAgent: Price = (port) => ask(port, kept);

async function askAgain(price: Price): Promise<Headline> {
  let handshakes = 0;
  const server = createServer({ ...SHARED, pskCallback: () => KEY }, (_request, response) => {
    setTimeout(() => response.end('42'), ANSWER_MS);
  });
  server.on('secureConnection', () => handshakes++);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    for (let i = 0; i < REQUESTS; i++) {
      await price(port);
      await delay(20);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const tookMs = performance.now() - startMs;
  kept.destroy();
  server.closeAllConnections();
  server.close();
  return {
    what: `${CLIENTS * REQUESTS} requests, with ${handshakes} handshakes,`,
    value: tookMs,
    unit: 'ms',
  };
}

export const connectionChurn: Scenario = {
  id: 'connection-churn',
  title: 'A new connection for each request',
  description:
    'Each request gets an agent of its own, whose connection ends with the answer. The next one connects anew, with the handshakes of TCP and TLS, though an idle connection could be there.',
  expect: [{ rule: 'connection-churn', kind: 'new-client' }],
  level: 'diagnose',
  broken: () => askAgain(priceByItself),
  fixed: () => askAgain(priceByAgent),
};

runIfMain(import.meta.url, connectionChurn);
