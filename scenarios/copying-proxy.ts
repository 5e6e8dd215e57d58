import { once } from 'node:events';
import { Agent, createServer, get as httpGet, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CHUNK_BYTES = 32 * 1024;
const CHUNKS = 160;

/** Passes on what the origin sends, and resolves with its length. */
type Forward = (answer: IncomingMessage) => Promise<number>;

/** All that has come so far is copied for each chunk that comes: half a gigabyte for 5 MB. */
function forwardCopying(answer: IncomingMessage): Promise<number> {
  let body = Buffer.alloc(0);
  answer.on('data', (chunk: Buffer) => {
    body = Buffer.concat([body, chunk]); // guilty
  });
  return once(answer, 'end').then(() => body.length);
}

/** Chunks go on as they are. */
async function forwardChunks(answer: IncomingMessage): Promise<number> {
  let length = 0;
  for await (const chunk of answer) length += (chunk as Buffer).length;
  return length;
}

function serveOrigin(_request: IncomingMessage, response: ServerResponse): void {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'x');
  let sent = 0;
  const send = (): void => {
    while (sent < CHUNKS) {
      sent++;
      if (!response.write(chunk)) {
        response.once('drain', send);
        return;
      }
    }
    response.end();
  };
  send();
}

async function work(forward: Forward): Promise<Headline> {
  const origin = createServer(serveOrigin);
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const { port } = origin.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  const route = async () => {
    const [answer] = (await once(httpGet({ port, agent }), 'response')) as [IncomingMessage];
    return String(await forward(answer));
  };
  try {
    return await withServer({ '/file': route }, async (get) => {
      const { requests, pingMs } = await steadyLoad(get, '/file', 100, 2);
      return { what: `95 of 100 pings beside ${requests} files`, value: pingMs, unit: 'ms' };
    });
  } finally {
    agent.destroy();
    origin.closeAllConnections();
    await once(origin.close(), 'close');
  }
}

export const copyingProxy: Scenario = {
  id: 'copying-proxy',
  title: 'A proxy that copies all of a body for each chunk',
  description: 'Buffer.concat joins the new chunk to the old ones each time; passing chunks on needs no copy.',
  expect: [{ rule: 'memory-churn', kind: 'copying' }],
  broken: () => work(forwardCopying),
  fixed: () => work(forwardChunks),
};

runIfMain(import.meta.url, copyingProxy);
