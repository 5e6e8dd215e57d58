import { once } from 'node:events';
import { Agent, type ClientRequest, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HttpPools } from '../../agents/agent/tracking/http-pools.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const answers: (() => void)[] = [];
const server = createServer((_request, response) => answers.push(() => response.end('42')));
let agent: Agent;

beforeEach(async () => {
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  answers.length = 0;
});

/** As far as the pools look at it. */
type Request = ClientRequest & Parameters<HttpPools['began']>[0];

function ask(): Request {
  const { port } = server.address() as AddressInfo;
  return get({ host: '127.0.0.1', port, agent }, (response) => response.resume()).on('error', () => {}) as Request;
}

const frame: RawFrame = ['ask', '/srv/app.js', 12, 3];

test('a request that waits for a connection is counted when it has one, and its line is known', async () => {
  const pools = new HttpPools();
  const asked: number[] = [];
  const framesOf = (id: number): RawFrame[] => {
    asked.push(id);
    return [frame];
  };
  const [first, second] = [ask(), ask()];
  pools.began(first);
  const before = pools.read([], framesOf);
  expect(before).toMatchObject([{ max: 1, taken: 1, waiting: 1, waited: { count: 0, ms: 0 }, queued: [frame] }]);
  expect(Math.min(...asked)).toBeGreaterThan(0);

  await vi.waitUntil(() => answers.length === 1, { timeout: 60_000 });
  answers[0]!();
  await vi.waitUntil(() => answers.length === 2, { timeout: 60_000 });
  pools.began(second);
  ask();
  const [after] = pools.read([], framesOf);
  expect(after).toMatchObject({ waiting: 1, waited: { count: 1 } });
  expect(after!.waited.ms).toBeGreaterThan(0);
});

test('an agent without a limit is none of its business', () => {
  const pools = new HttpPools();
  agent.destroy();
  agent = new Agent({ keepAlive: true });
  pools.began(ask());
  ask();
  expect(pools.read([], () => null)).toEqual([]);
});
