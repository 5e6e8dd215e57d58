// Prices for all clients, thirty times a second: whoever is behind misses one, so that nothing piles up for the slow.
import { WebSocketServer } from 'ws';

const EVERY_MS = 33;
const BEHIND_BYTES = 256 * 1024;
const PRICES = 400;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  console.log(`listening on ${server.address().port}`);
});

function broadcast(text) {
  for (const client of server.clients) {
    if (client.readyState === client.OPEN && client.bufferedAmount < BEHIND_BYTES) client.send(text);
  }
}

server.on('connection', (socket) => socket.on('message', (text) => broadcast(text.toString())));

let round = 0;
const prices = setInterval(() => {
  round++;
  broadcast(JSON.stringify(Array.from({ length: PRICES }, (_, id) => ({ id, cents: (id * 31 + round) % 10_000 }))));
}, EVERY_MS);

process.once('SIGTERM', () => {
  clearInterval(prices);
  for (const client of server.clients) client.close();
  server.close();
});
