import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, type Route, runIfMain, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Together about 20 orders a second. */
const CLIENTS = 6;
const EVERY_MS = 300;
const RUN_MS = 6700;
const LIMIT_MS = 150;

/** The questions that were asked and not answered yet, by number. */
const waiting = new Map<number, (reply: string) => void>();
let asked = 0;

function send(socket: Socket, kind: string): { id: number; reply: Promise<string> } {
  const id = ++asked;
  const reply = new Promise<string>((resolve) => waiting.set(id, resolve));
  socket.write(`${JSON.stringify({ id, kind })}\n`);
  return { id, reply };
}

function settle(id: number, reply: string): void {
  waiting.get(id)?.(reply);
  waiting.delete(id);
}

async function askForever(socket: Socket, kind: string): Promise<string> {
  const { reply } = send(socket, kind);
  return `${kind} ${await reply}`; // guilty
}

/** The customer is not kept waiting, but the question is. */
async function orderLeaking(socket: Socket): Promise<string> {
  const price = await askForever(socket, 'price');
  const discount = await Promise.race([askForever(socket, 'discount'), delay(LIMIT_MS, 'discount unknown')]);
  return `${price} ${discount}`;
}

async function askAtMost(socket: Socket, kind: string): Promise<string> {
  const { id, reply } = send(socket, kind);
  const timer = setTimeout(settle, LIMIT_MS, id, 'unknown');
  try {
    return `${kind} ${await reply}`;
  } finally {
    clearTimeout(timer);
  }
}

async function orderSettling(socket: Socket): Promise<string> {
  return `${await askAtMost(socket, 'price')} ${await askAtMost(socket, 'discount')}`;
}

/** A backend that answers questions about prices, and drops those about discounts, a kind it does not know. */
async function withBackend<T>(use: (socket: Socket) => Promise<T>): Promise<T> {
  const backend = createServer((socket) => {
    createInterface({ input: socket }).on('line', (line) => {
      const { id, kind } = JSON.parse(line) as { id: number; kind: string };
      if (kind === 'price') socket.write(`${JSON.stringify({ id, reply: '12.50' })}\n`);
    });
  });
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((backend.address() as AddressInfo).port, '127.0.0.1');
  createInterface({ input: socket }).on('line', (line) => {
    const { id, reply } = JSON.parse(line) as { id: number; reply: string };
    settle(id, reply);
  });
  try {
    return await use(socket);
  } finally {
    socket.end();
    await once(backend.close(), 'close');
  }
}

async function client(get: Get, firstMs: number): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + RUN_MS;
  for (let dueMs = performance.now() + firstMs; dueMs < endMs; dueMs += EVERY_MS) {
    await delay(Math.max(0, dueMs - performance.now()));
    tookMs.push(await get('/order'));
  }
  return tookMs;
}

function serve(order: (socket: Socket) => ReturnType<Route>): Promise<Headline> {
  return withBackend((socket) =>
    withServer({ '/order': () => order(socket) }, async (get) => {
      const clients = Array.from({ length: CLIENTS }, (_, i) => client(get, (i * EVERY_MS) / CLIENTS));
      const tookMs = (await Promise.all(clients)).flat();
      const what = `the slowest of ${tookMs.length} orders, with ${waiting.size} calls still pending after the last,`;
      return { what, value: Math.max(...tookMs), unit: 'ms' };
    }),
  );
}

export const leakedTasks: Scenario = {
  id: 'leaked-tasks',
  title: 'Calls that wait for a reply that never comes',
  description:
    'A call waits for a reply by its number in a Map. Nobody settles those of one kind, so every request leaves a suspended call.',
  expect: [{ rule: 'growing-pending-async', kind: 'suspended' }],
  level: 'diagnose',
  broken: () => serve(orderLeaking),
  fixed: () => serve(orderSettling),
};

runIfMain(import.meta.url, leakedTasks);
