import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const ROUNDS = 6;
const EVERY_MS = 1200;
const QUOTES = 50;
const ANSWER_MS = 18;
/** What the supplier takes at a time; more it refuses with 503. */
const TAKES = 16;
const START = 4;
const CUT = 0.8;

const SUPPLIER = `(() => {
  let active = 0;
  let most = 0;
  const server = require('node:http').createServer((request, response) => {
    if (active === ${TAKES}) return response.writeHead(503).end();
    most = Math.max(most, ++active);
    setTimeout(() => {
      active--;
      response.end('42');
    }, ${ANSWER_MS});
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  return () => ({ port: server.address().port, most });
})()`;
type Supplier = { port: number; most: number };

/** Resolves with whether the supplier took it. */
type Quote = () => Promise<boolean>;

class Semaphore {
  places: number;
  #inside = 0;
  #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.places = places;
  }

  enter(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
  }

  leave(): void {
    this.#inside--;
    this.#admit();
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#inside + 1 <= this.places) {
      this.#inside++;
      this.#waiting.shift()!();
    }
  }
}

/** The quotes have nothing to do with each other, and yet each waits for all before it. */
const one = new Semaphore(1); // guilty

async function narrowly(quote: Quote): Promise<void> {
  await one.enter(); // guilty
  try {
    await quote();
  } finally {
    one.leave();
  }
}

const adaptive = new Semaphore(START);
let cutMs = 0;

/** One place more per round trip without a refusal, a fifth fewer after one: it settles near what the supplier takes. */
async function adaptively(quote: Quote): Promise<void> {
  for (let taken = false; !taken; ) {
    await adaptive.enter();
    const sentMs = performance.now();
    try {
      taken = await quote();
      if (taken) adaptive.places += 1 / adaptive.places;
      else if (sentMs > cutMs) cut();
    } finally {
      adaptive.leave();
    }
  }
}

/** What was sent before a cut says nothing of the limit after it, so its refusals do not cut again. */
function cut(): void {
  adaptive.places = Math.max(1, adaptive.places * CUT);
  cutMs = performance.now();
}

function askFor(limited: (quote: Quote) => Promise<void>): Promise<Headline> {
  return withWorkers(SUPPLIER, 1, async (ask) => {
    const { port } = (await ask(null)) as Supplier;
    const agent = new Agent({ keepAlive: true });
    const quote = async () => {
      const [response] = await once(get({ host: '127.0.0.1', port, agent }), 'response');
      await text(response);
      return response.statusCode === 200;
    };
    let tookMs = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const startMs = performance.now();
      await Promise.all(Array.from({ length: QUOTES }, () => limited(quote)));
      tookMs = performance.now() - startMs;
      await delay(Math.max(0, EVERY_MS - tookMs));
    }
    agent.destroy();
    const { most } = (await ask(null)) as Supplier;
    return { what: `the last ${QUOTES} independent quotes, at most ${most} at a time,`, value: tookMs, unit: 'ms' };
  });
}

export const narrowSemaphore: Scenario = {
  id: 'narrow-semaphore',
  title: 'One at a time where many could go',
  description:
    'A semaphore with one place stands around independent requests. Shown by its own measurement: how long the same quotes take one at a time, and under a limit that finds what the supplier takes.',
  expect: [],
  broken: () => askFor(narrowly),
  fixed: () => askFor(adaptively),
};

runIfMain(import.meta.url, narrowSemaphore);
