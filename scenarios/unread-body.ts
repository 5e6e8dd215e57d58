import { once } from 'node:events';
import { Agent, createServer, get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CONNECTIONS = 5;
const EVERY_MS = 50;
/** Until then nobody asks whether a picture exists. */
const CALM_MS = 1500;
const LOAD_MS = 8000;
const RUN_MS = 9000;
/** Larger than all buffers on the way: the end does not come before somebody reads. */
const PICTURE = Buffer.alloc(4_000_000);

type Exists = (url: string, agent: Agent) => Promise<boolean>;

function ask(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpGet(url, { agent }, resolve).on('error', reject);
  });
}

async function exists(url: string, agent: Agent): Promise<boolean> {
  const response = await ask(url, agent); // guilty
  return response.statusCode === 200;
}

async function existsRead(url: string, agent: Agent): Promise<boolean> {
  const response = await ask(url, agent);
  response.resume();
  return response.statusCode === 200;
}

async function text(url: string, agent: Agent): Promise<number> {
  let bytes = 0;
  for await (const chunk of await ask(url, agent)) bytes += chunk.length;
  return bytes;
}

async function work(isThere: Exists): Promise<Headline> {
  const server = createServer((request, response) => response.end(request.url === '/picture' ? PICTURE : 'a text'));
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const waiting = new Set<number>();
  let longestMs = 0;
  const startMs = performance.now();
  const show = async (i: number): Promise<void> => {
    const sinceMs = performance.now();
    waiting.add(sinceMs);
    const asksFirst = sinceMs - startMs > CALM_MS && i % 5 === 0;
    await (asksFirst ? isThere(`${url}/picture`, agent) : text(`${url}/text`, agent));
    waiting.delete(sinceMs);
    longestMs = Math.max(longestMs, performance.now() - sinceMs);
  };
  let i = 0;
  const timer = setInterval(() => void show(i++).catch(() => {}), EVERY_MS);
  await delay(LOAD_MS);
  clearInterval(timer);
  await delay(RUN_MS - LOAD_MS);
  longestMs = Math.max(longestMs, ...[...waiting].map((sinceMs) => performance.now() - sinceMs));
  const what = `the request that waited longest, with ${waiting.size} waiting at the end,`;
  agent.destroy();
  server.closeAllConnections();
  server.close();
  return { what, value: longestMs, unit: 'ms' };
}

export const unreadBody: Scenario = {
  id: 'unread-body',
  title: 'An answer whose body nobody reads',
  description:
    'Whether a picture exists is asked by a request of which only the status is looked at. Its connection stays taken until the body has been ' +
    'read, which nobody does: after as many such requests as the agent has connections, all others wait forever.',
  expect: [{ rule: 'exhausted-connection-pool', kind: 'unread-body' }],
  level: 'diagnose',
  broken: () => work(exists),
  fixed: () => work(existsRead),
};

runIfMain(import.meta.url, unreadBody);
