// A cache with a bound that fills up while the server runs: its heap grows first and then stays.
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';

const ENTRIES = 5000;
const PER_REQUEST = 20;

const thumbnails = new LRUCache({
  max: ENTRIES,
  async fetchMethod(id) {
    await delay(1);
    return { id, pixels: Array.from({ length: 200 }, (_, n) => (id * n) % 256), text: `thumbnail ${id} `.repeat(20) };
  },
});

const server = http.createServer(async (request, response) => {
  const from = Number(new URL(request.url, 'http://localhost').searchParams.get('from'));
  // Every other request asks for what was asked for before.
  const first = from % 2 === 0 ? from * PER_REQUEST : 0;
  const ids = Array.from({ length: PER_REQUEST }, (_, n) => first + n);
  const found = await Promise.all(ids.map((id) => thumbnails.fetch(id)));
  response.end(JSON.stringify({ kept: thumbnails.size, ids: found.map(({ id, pixels }) => [id, pixels[7]]) }));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
