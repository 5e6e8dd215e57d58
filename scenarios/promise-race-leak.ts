import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { logLine, runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Together 3000 messages a second. */
const BATCH = 60;
const EVERY_MS = 20;
const RUN_MS = 6500;

/** The messages that arrived and were not taken yet, and who waits for the next one. */
interface Inbox {
  messages: string[];
  wake: () => void;
}

/** Takes messages until the shutdown, and resolves with their number. */
type Consume = (inbox: Inbox, closing: Promise<void>) => Promise<number>;

async function next(inbox: Inbox): Promise<string> {
  if (inbox.messages.length === 0) {
    await new Promise<void>((resolve) => {
      inbox.wake = resolve;
    });
  }
  return inbox.messages.shift()!;
}

/** Every race leaves a reaction at `shutdown`, which holds the message that won it. */
async function consumeRacing(inbox: Inbox, closing: Promise<void>): Promise<number> {
  const shutdown = closing.then(() => null);
  for (let taken = 0; ; taken++) {
    const message = await Promise.race([next(inbox), shutdown]); // guilty
    if (message === null) return taken;
  }
}

/** Who waits for the shutdown can take that back. */
function oneShot(closing: Promise<void>) {
  const waiting = new Set<(value: null) => void>();
  closing.then(() => {
    for (const stop of waiting) stop(null);
  });
  return async <T>(work: Promise<T>): Promise<T | null> => {
    let stop: (value: null) => void = () => {};
    const stopped = new Promise<null>((resolve) => {
      stop = resolve;
    });
    waiting.add(stop);
    try {
      return await Promise.race([work, stopped]);
    } finally {
      waiting.delete(stop);
    }
  };
}

async function consumeOneShot(inbox: Inbox, closing: Promise<void>): Promise<number> {
  const unlessShutdown = oneShot(closing);
  for (let taken = 0; ; taken++) {
    const message = await unlessShutdown(next(inbox));
    if (message === null) return taken;
  }
}

async function work(consume: Consume): Promise<Headline> {
  let number = 0;
  const source = createServer((socket) => {
    const timer = setInterval(() => {
      socket.write(Array.from({ length: BATCH }, () => `${logLine(number++)}\n`).join(''));
    }, EVERY_MS);
    // The reader goes while there is more to read.
    socket.on('error', () => {}).on('close', () => clearInterval(timer));
  });
  await once(source.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((source.address() as AddressInfo).port, '127.0.0.1');
  const inbox: Inbox = { messages: [], wake: () => {} };
  createInterface({ input: socket }).on('line', (line) => {
    inbox.messages.push(line);
    inbox.wake();
  });
  let close = () => {};
  const consumed = consume(
    inbox,
    new Promise<void>((resolve) => {
      close = resolve;
    }),
  );
  await delay(RUN_MS);
  const startMs = performance.now();
  close();
  const taken = await consumed;
  const tookMs = performance.now() - startMs;
  socket.destroy();
  await once(source.close(), 'close');
  return { what: `the shutdown after ${taken} messages`, value: tookMs, unit: 'ms' };
}

export const promiseRaceLeak: Scenario = {
  id: 'promise-race-leak',
  title: 'A race against a promise that stays pending',
  description:
    'For every message the loop races against the promise of a shutdown, which keeps a reaction and the message of each race.',
  expect: [{ rule: 'leak-suspect', kind: 'race' }],
  level: 'diagnose',
  broken: () => work(consumeRacing),
  fixed: () => work(consumeOneShot),
};

runIfMain(import.meta.url, promiseRaceLeak);
