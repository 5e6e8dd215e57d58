import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const server = http.createServer(async (request, response) => {
  await delay(5 + (request.url.length % 4) * 5);
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ path: request.url, found: true }));
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.once('disconnect', () => server.close());
