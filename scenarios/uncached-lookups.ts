import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CALLS = 150;
const ANSWER_MS = 8;
const TTL_SECONDS = 60;
const NAME = 'orders.internal';

type Find = (name: string) => Promise<string>;

/** What the name server says of every name: 127.0.0.1, for a minute. */
function answerTo(query: Buffer): Buffer {
  const answer = Buffer.alloc(16);
  answer.writeUInt16BE(0xc00c, 0);
  answer.writeUInt16BE(1, 2);
  answer.writeUInt16BE(1, 4);
  answer.writeUInt32BE(TTL_SECONDS, 6);
  answer.writeUInt16BE(4, 10);
  answer.set([127, 0, 0, 1], 12);
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, answer]);
}

async function withNameServer<T>(use: (resolver: Resolver) => Promise<T>): Promise<T> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    setTimeout(() => socket.send(answerTo(query), port, address), ANSWER_MS);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  try {
    return await use(resolver);
  } finally {
    socket.close();
  }
}

function asking(resolver: Resolver): Find {
  return async (name) => {
    const [address] = await resolver.resolve4(name); // guilty
    return address!;
  };
}

/** Each answer is kept for as long as the name server says. */
function keeping(resolver: Resolver): Find {
  const known = new Map<string, { address: string; untilMs: number }>();
  return async (name) => {
    const before = known.get(name);
    if (before && before.untilMs > performance.now()) return before.address;
    const [answer] = await resolver.resolve4(name, { ttl: true });
    known.set(name, { address: answer!.address, untilMs: performance.now() + answer!.ttl * 1000 });
    return answer!.address;
  };
}

function callAgain(finding: (resolver: Resolver) => Find): Promise<Headline> {
  return withNameServer(async (resolver) => {
    const server = createServer((_request, response) => response.end('an order'));
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true });
    const find = finding(resolver);
    const call = async (i: number): Promise<void> => {
      const host = await find(NAME);
      await new Promise<void>((resolve, reject) => {
        httpGet({ host, port, path: `/orders/${i}`, agent }, (response) => response.resume().on('end', resolve)).on(
          'error',
          reject,
        );
      });
    };
    const startMs = performance.now();
    // One customer after another, each with some time to think.
    for (let i = 0; i < CALLS; i++) {
      await call(i);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const value = performance.now() - startMs;
    agent.destroy();
    server.close();
    return { what: `${CALLS} calls of a service that is found by its name`, value, unit: 'ms' };
  });
}

export const uncachedLookups: Scenario = {
  id: 'uncached-lookups',
  title: 'A name looked up before each call',
  description:
    'Where a service is, is asked of the name server before each call, although its answer is good for a minute. Each call waits for the answer of the name server first.',
  expect: [{ rule: 'repeated-lookups', kind: 'same-name' }],
  level: 'diagnose',
  broken: () => callAgain(asking),
  fixed: () => callAgain(keeping),
};

runIfMain(import.meta.url, uncachedLookups);
