// A server that gives its computation to a pool of threads: they are busy for hundreds of milliseconds each, which is
// what they are for, and its own loop stays free.
import http from 'node:http';
import { Piscina } from 'piscina';

const pool = new Piscina({ filename: new URL('worker.mjs', import.meta.url).href, minThreads: 2, maxThreads: 2 });

const server = http.createServer(async (request, response) => {
  const from = 1_000_000 + Number(request.url.split('/')[2]);
  response.end(JSON.stringify(await pool.run({ from, ms: 250 })));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  await pool.close();
});
