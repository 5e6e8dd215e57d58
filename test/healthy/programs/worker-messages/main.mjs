// A server with two worker threads of its own: pictures go there and back by transfer, answers are matched by number.
import { once } from 'node:events';
import http from 'node:http';
import { Worker } from 'node:worker_threads';

const PICTURE_BYTES = 1024 * 1024;
const WORKERS = 2;
const workers = Array.from({ length: WORKERS }, () => new Worker(new URL('worker.mjs', import.meta.url)));
const asked = new Map();
let count = 0;

for (const worker of workers) {
  worker.on('message', ({ id, histogram }) => {
    asked.get(id)(histogram);
    asked.delete(id);
  });
}

function histogramOf(picture) {
  return new Promise((resolve) => {
    const id = count++;
    asked.set(id, resolve);
    workers[id % WORKERS].postMessage({ id, picture }, [picture.buffer]);
  });
}

const server = http.createServer(async (request, response) => {
  const picture = new Uint8Array(PICTURE_BYTES).fill(request.url.length);
  response.end(JSON.stringify(await histogramOf(picture)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  await once(server, 'close');
  await Promise.all(workers.map((worker) => worker.terminate()));
});
