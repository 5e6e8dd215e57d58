// Holds each request until the next event, for seconds: they are pending for long, and none is forgotten.
import http from 'node:http';

const EVENT_EVERY_MS = 1500;
const HOLD_MS = 25_000;
const waiting = new Set();
let events = 0;

function answer(client, event) {
  clearTimeout(client.timer);
  waiting.delete(client);
  client.response.end(JSON.stringify({ event }));
}

const server = http.createServer((_request, response) => {
  const client = { response, timer: setTimeout(() => answer(client, null), HOLD_MS) };
  waiting.add(client);
  response.on('close', () => {
    clearTimeout(client.timer);
    waiting.delete(client);
  });
});

const source = setInterval(() => {
  events++;
  for (const client of [...waiting]) answer(client, events);
}, EVENT_EVERY_MS);

server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  clearInterval(source);
  server.close();
});
