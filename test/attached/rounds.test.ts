import { get } from 'node:http';
import { expect, test } from 'vitest';
import { caughtSignals, eventually, filesOf, startServer, threadsOf, type Unprepared } from '../support/unprepared.ts';
import { visit } from '../support/visits.ts';

const ROUNDS = 200;
/** What Node, V8 and malloc keep is there by then. */
const WARM_ROUNDS = 40;
/** A busy machine makes fewer of them in the time there is; with fewer than these behind the warm ones, growth is not seen. */
const LEAST_ROUNDS = 20;
const MOST_MS = 300_000;
const CLIENTS = 4;
/** Of the heap, over the rounds behind the warm ones. */
const HEAP_BYTES = 4e6;

/** Asks for one answer after the other until it is stopped; how many came, and what failed. */
function load({ port }: Unprepared): {
  answered(): number;
  stop(): Promise<{ answers: number; failures: string[] }>;
} {
  let stopped = false;
  let answers = 0;
  const failures: string[] = [];
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => {
        if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`);
        response.resume().on('end', () => {
          answers++;
          resolve();
        });
      }).on('error', (error) => {
        failures.push(String(error));
        resolve();
      });
    });
  const client = async (): Promise<void> => {
    while (!stopped) await ask();
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    answered: () => answers,
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return { answers, failures };
    },
  };
}

test(`${ROUNDS} visits in a server under load: no request fails, and nothing grows`, async ({ skip }) => {
  const server = await startServer();
  const clients = load(server);
  try {
    // By then libuv's pool has all its threads.
    await eventually(() => clients.answered() > 50);
    const endAt = performance.now() + MOST_MS;
    const rounds = async (count: number): Promise<number> => {
      let round = 0;
      for (; round < count && performance.now() < endAt; round++)
        await server.alive(visit(server.pid, round % 2 === 0 ? 'watch' : 'diagnose'));
      return round;
    };
    await rounds(WARM_ROUNDS);
    const before = await server.residue();
    const counts = () => [threadsOf(server.pid), caughtSignals(server.pid)];
    const countsBefore = counts();
    const done = await rounds(ROUNDS - WARM_ROUNDS);
    const after = await server.residue();
    const { answers, failures } = await clients.stop();
    expect([failures, counts()]).toEqual([[], countsBefore]);
    expect(answers).toBeGreaterThan(done);
    skip(done < LEAST_ROUNDS, `the machine was too busy for more than ${done} visits`);
    const { heapBytes, ...rest } = after;
    const { heapBytes: heapBefore, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
    expect(heapBytes - heapBefore).toBeLessThan(HEAP_BYTES);
    const files = filesOf(server.pid);
    await server.alive(visit(server.pid));
    // Connections of the clients may close meanwhile.
    await eventually(() => filesOf(server.pid) <= files);
  } finally {
    server.kill();
    await clients.stop();
  }
}, 900_000);
