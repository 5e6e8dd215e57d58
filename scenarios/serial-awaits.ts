import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const ORDERS = 100;
const ANSWER_MS = 25;
const CONNECTIONS = 20;

type Ask = (order: number) => Promise<string>;
type AskAll = (orders: readonly number[], ask: Ask) => Promise<string[]>;

async function inTurn(orders: readonly number[], ask: Ask): Promise<string[]> {
  const states: string[] = [];
  for (const order of orders) {
    states.push(await ask(order)); // guilty
  }
  return states;
}

/** The agent opens a few connections, and each is used again. */
function together(orders: readonly number[], ask: Ask): Promise<string[]> {
  return Promise.all(orders.map(ask));
}

async function askForAll(askAll: AskAll): Promise<Headline> {
  const server = createServer((request, response) => {
    setTimeout(() => response.end(`${request.url} is on its way`), ANSWER_MS);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask: Ask = (order) =>
    new Promise((resolve, reject) => {
      httpGet({ host: '127.0.0.1', port, path: `/orders/${order}`, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      }).on('error', reject);
    });
  const orders = Array.from({ length: ORDERS }, (_, i) => i);
  const startMs = performance.now();
  await askAll(orders, ask);
  const value = performance.now() - startMs;
  await delay(1500);
  agent.destroy();
  server.close();
  return { what: `asking for the state of ${ORDERS} orders`, value, unit: 'ms' };
}

export const serialAwaits: Scenario = {
  id: 'serial-awaits',
  title: 'One request after another, though none needs the others',
  description:
    'The state of a hundred orders is asked for in a loop that awaits each answer before it asks for the next one. No question needs the ' +
    'answer of another: together they take hardly longer than one.',
  expect: [{ rule: 'serial-awaits', kind: 'loop' }],
  level: 'diagnose',
  broken: () => askForAll(inTurn),
  fixed: () => askForAll(together),
};

runIfMain(import.meta.url, serialAwaits);
