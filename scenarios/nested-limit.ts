import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CONNECTIONS = 4;
const EVERY_MS = 60;
/** Until then orders come one by one; then more at once than there are connections. */
const CALM_MS = 2500;
const LOAD_MS = 8000;
const RUN_MS = 9000;
/** Before there is an answer. */
const ANSWER_MS = 5;

/** Connections to the store, lent to one call each, in the order of asking. */
class Pool {
  readonly #free: Socket[];
  readonly #waiting: ((connection: Socket) => void)[] = [];

  constructor(connections: Socket[]) {
    this.#free = [...connections];
  }

  async use<T>(job: (connection: Socket) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    try {
      return await job(connection);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    }
  }

  #acquire(): Promise<Socket> {
    const connection = this.#free.pop();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

async function ask(connection: Socket, question: string): Promise<string> {
  connection.write(`${question}\n`);
  const [answer] = await once(connection, 'data');
  return String(answer).trim();
}

type Order = (pool: Pool, item: string) => Promise<string>;

/** Takes a second connection while it holds one. */
async function orderThroughPool(pool: Pool, item: string): Promise<string> {
  return pool.use(async (connection) => {
    await ask(connection, `begin ${item}`);
    const stock = await pool.use((other) => ask(other, `stock ${item}`)); // guilty
    await ask(connection, `commit ${item}`);
    return stock;
  });
}

async function orderOnOne(pool: Pool, item: string): Promise<string> {
  return pool.use(async (connection) => {
    await ask(connection, `begin ${item}`);
    const stock = await ask(connection, `stock ${item}`);
    await ask(connection, `commit ${item}`);
    return stock;
  });
}

/** Answers each line after a moment. */
async function startStore(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('data', () => setTimeout(() => socket.write('7\n'), ANSWER_MS));
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function work(order: Order): Promise<Headline> {
  const server = await startStore();
  const { port } = server.address() as { port: number };
  const connections = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
  const pool = new Pool(connections);
  const startMs = performance.now();
  const waiting = new Set<number>();
  let longestMs = 0;
  const one = async (item: string): Promise<void> => {
    const sinceMs = performance.now();
    waiting.add(sinceMs);
    await order(pool, item);
    waiting.delete(sinceMs);
    longestMs = Math.max(longestMs, performance.now() - sinceMs);
  };
  let i = 0;
  const timer = setInterval(() => {
    const atOnce = performance.now() - startMs < CALM_MS ? 1 : CONNECTIONS + 1;
    for (let n = 0; n < atOnce; n++) void one(`item ${i++}`);
  }, EVERY_MS);
  await delay(LOAD_MS);
  clearInterval(timer);
  await delay(RUN_MS - LOAD_MS);
  longestMs = Math.max(longestMs, ...[...waiting].map((sinceMs) => performance.now() - sinceMs));
  for (const connection of connections) connection.destroy();
  server.close();
  const what = `the order that waited longest, with ${waiting.size} waiting at the end,`;
  return { what, value: longestMs, unit: 'ms' };
}

export const nestedLimit: Scenario = {
  id: 'nested-limit',
  title: 'A connection taken while one is held',
  description:
    'An order holds a connection of the pool and asks for the stock through the pool: it takes a second one. As soon as as many orders as ' +
    'there are connections begin at once, each waits for a connection that another one holds, forever.',
  expect: [{ rule: 'async-deadlock', kind: 'nested-limit' }],
  level: 'diagnose',
  broken: () => work(orderThroughPool),
  fixed: () => work(orderOnOne),
};

runIfMain(import.meta.url, nestedLimit);
