import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Two descriptors for each request in flight, as the registry is a thread of this process: within the old hard limit of 4096. */
const WAVE = 1500;
const WAVES = 3;
const EVERY_MS = 4000;
/** Sent between two turns of the loop: the socket has room for some hundred. */
const AT_ONCE = 50;
/** Longer than a busy machine takes to start a wave. */
const ANSWER_MS = 3000;
/** Readings in one request. */
const BATCH = 400;
const IN_FLIGHT = 4;

const REGISTRY = `(() => {
  const server = require('node:http').createServer((request, response) => {
    setTimeout(() => response.end('ok'), ${ANSWER_MS});
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', ${WAVE});
  return () => server.address().port;
})()`;

/** Takes a reading; `done` once the registry has it. */
type Receive = (reading: Buffer, done: () => void) => void;

const body = ([response]: IncomingMessage[]) => text(response!);

async function register(registry: RequestOptions, readings: Buffer[]): Promise<void> {
  const path = `/${readings.map((reading) => reading.toString('utf8')).join('')}`;
  await once(get({ ...registry, path }), 'response').then(body); // guilty
}

/** A job for each datagram: nothing holds the sender back, so nothing bounds them. */
function receiveAtOnce(registry: RequestOptions): Receive {
  return (reading, done) => void register(registry, [reading]).then(done);
}

/** The fast path puts it in a queue, which a few workers empty in batches. */
function receiveQueued(registry: RequestOptions): Receive {
  const queue: { reading: Buffer; done: () => void }[] = [];
  let running = 0;
  const work = async () => {
    running++;
    for (let batch = queue.splice(0, BATCH); batch.length > 0; batch = queue.splice(0, BATCH)) {
      await register(
        registry,
        batch.map(({ reading }) => reading),
      );
      for (const { done } of batch) done();
    }
    running--;
  };
  return (reading, done) => {
    queue.push({ reading, done });
    if (running < IN_FLIGHT) setImmediate(() => running < IN_FLIGHT && work());
  };
}

function receiveAll(receiver: (registry: RequestOptions) => Receive): Promise<Headline> {
  return withWorkers(REGISTRY, 1, async (ask) => {
    const agent = new Agent({ keepAlive: true });
    const receive = receiver({ host: '127.0.0.1', port: (await ask(null)) as number, agent });
    const socket = createSocket('udp4');
    const sender = createSocket('udp4');
    const tookMs: number[] = [];
    let received = 0;
    socket.on('message', (reading) => {
      received++;
      const startMs = performance.now();
      receive(reading, () => tookMs.push(performance.now() - startMs));
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address() as AddressInfo;
    for (let wave = 0; wave < WAVES; wave++) {
      for (let i = 0; i < WAVE; i++) {
        sender.send(`${wave}-${i};`, port, '127.0.0.1');
        if (i % AT_ONCE === 0) await delay(2);
      }
      await delay(EVERY_MS);
    }
    while (tookMs.length < received) await delay(50);
    sender.close();
    socket.close();
    agent.destroy();
    tookMs.sort((a, b) => a - b);
    const what = `99 of 100 of ${received} readings`;
    return { what, value: tookMs[Math.floor(tookMs.length * 0.99)]!, unit: 'ms' };
  });
}

export const datagramFlood: Scenario = {
  id: 'datagram-flood',
  title: 'A job for each datagram',
  description:
    'Whatever arrives by UDP starts a request of its own at once: a wave of datagrams becomes a wave of connections. TCP would make the sender wait, UDP does not.',
  expect: [{ rule: 'unbounded-concurrency', kind: 'burst' }],
  level: 'diagnose',
  broken: () => receiveAll(receiveAtOnce),
  fixed: () => receiveAll(receiveQueued),
};

runIfMain(import.meta.url, datagramFlood);
