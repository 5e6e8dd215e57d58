// A small API: a little JSON and a timer per request.
import { createServer } from 'node:http';
import { serveLoad } from './serve-load.mjs';

const order = { id: 1, customer: 'somebody', lines: Array.from({ length: 10 }, (_, id) => ({ id, price: id * 3 })) };
const text = JSON.stringify(order);

const server = createServer((request, response) => {
  const body = JSON.stringify({ ...JSON.parse(text), url: request.url });
  const timer = setTimeout(() => response.destroy(), 5_000);
  setTimeout(() => {
    clearTimeout(timer);
    response.setHeader('content-type', 'application/json');
    response.end(body);
  }, 1);
});
// The other variants warm up meanwhile.
server.keepAliveTimeout = 300_000;
server.listen(0, '127.0.0.1', () => serveLoad(server));
