// A gateway: it asks an upstream in another process through a pool of connections, three times per request, with a
// time limit, and retries once.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const CONNECTIONS = 20;
const LIMIT_MS = 10_000;

const upstream = fork(fileURLToPath(new URL('upstream.mjs', import.meta.url)));
const [{ port }] = await once(upstream, 'message');
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });

async function ask(path, attempts = 2) {
  try {
    const { body } = await pool.request({ method: 'GET', path, signal: AbortSignal.timeout(LIMIT_MS) });
    return await body.json();
  } catch (error) {
    if (attempts === 1) throw error;
    return ask(path, attempts - 1);
  }
}

const server = http.createServer(async (request, response) => {
  try {
    const parts = ['details', 'price', 'reviews'].map((part) => ask(`${request.url}/${part}`));
    response.end(JSON.stringify(await Promise.all(parts)));
  } catch (error) {
    response.writeHead(502).end(error.message);
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  await once(server, 'close');
  await pool.close();
  upstream.disconnect();
});
